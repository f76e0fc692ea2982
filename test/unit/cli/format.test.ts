import { describe, expect, it } from 'vitest'
import { listText, ownerName, type StateView, stateJson } from '../../../src/cli/format.ts'

const VIEW: StateView = {
  ociVersion: '1.0.2-dev',
  id: 'a',
  pid: 19483,
  status: 'running',
  bundle: '/tmp/bb',
  rootfs: '/tmp/bb/rootfs',
  created: '2026-11-21T23:18:21.773090671Z',
  owner: 'root',
}

describe('listText', () => {
  // as printed by runc 1.1.5
  it('aligns columns as runc does', () => {
    const other = { ...VIEW, id: 'clib-with-a-very-long-name', pid: 0, status: 'stopped' as const, owner: '#1000' }
    expect(listText([VIEW, other], 'table').split('\n')).toEqual([
      'ID                           PID         STATUS      BUNDLE      CREATED                          OWNER',
      'a                            19483       running     /tmp/bb     2026-11-21T23:18:21.773090671Z   root',
      'clib-with-a-very-long-name   0           stopped     /tmp/bb     2026-11-21T23:18:21.773090671Z   #1000',
      '',
    ])
  })

  it('prints the headings alone, null, or nothing when there are no containers', () => {
    expect(listText([], 'table')).toBe('ID          PID         STATUS      BUNDLE      CREATED     OWNER\n')
    expect(listText([], 'json')).toBe('null\n')
    expect(listText([], 'quiet')).toBe('')
  })

  it('JSON is one line, with the keys in order and without empty annotations', () => {
    const text = listText([{ ...VIEW, annotations: {} }], 'json')
    expect(text).toBe(
      '[{"ociVersion":"1.0.2-dev","id":"a","pid":19483,"status":"running","bundle":"/tmp/bb",' +
        '"rootfs":"/tmp/bb/rootfs","created":"2026-11-21T23:18:21.773090671Z","owner":"root"}]\n',
    )
  })

  it('prints ids only, one a line', () => {
    expect(listText([VIEW, { ...VIEW, id: 'b' }], 'quiet')).toBe('a\nb\n')
  })

  it('lets no path forge a row', () => {
    expect(listText([{ ...VIEW, bundle: '/a\nevil' }], 'table').split('\n')).toHaveLength(3)
  })

  it('counts characters, not UTF-16 units', () => {
    const [heading = '', row = ''] = listText([{ ...VIEW, bundle: `/${'🐧'.repeat(20)}` }], 'table').split('\n')
    expect([...row].indexOf('2')).toBeGreaterThan(0)
    expect([...row].join('').indexOf('2026') - 20).toBe(heading.indexOf('CREATED'))
  })
})

describe('stateJson', () => {
  it('is indented by two spaces and escaped as Go does', () => {
    expect(stateJson({ ...VIEW, annotations: { a: '<b>&' }, owner: '' })).toBe(`{
  "ociVersion": "1.0.2-dev",
  "id": "a",
  "pid": 19483,
  "status": "running",
  "bundle": "/tmp/bb",
  "rootfs": "/tmp/bb/rootfs",
  "created": "2026-11-21T23:18:21.773090671Z",
  "annotations": {
    "a": "\\u003cb\\u003e\\u0026"
  },
  "owner": ""
}`)
  })
})

describe('ownerName', () => {
  const passwd = 'root:x:0:0:root:/root:/bin/sh\n\n# 7\nann:x:1000:1000::/home/ann:/bin/sh\n'
  it.each([
    [0, 'root'],
    [1000, 'ann'],
    [7, '#7'],
  ])('%i is %s', (uid, name) => {
    expect(ownerName(passwd, uid)).toBe(name)
  })
})
