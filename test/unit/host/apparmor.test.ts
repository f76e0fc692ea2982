import { expect, test } from 'vitest'
import { parseProfiles } from '../../../src/host/apparmor.ts'

test('the names of loaded profiles, with what spaces and brackets they have', () => {
  const text =
    'docker-default (enforce)\n/usr/bin/man (enforce)\na b (c) (complain)\nlxc//hat (unconfined)\nx (mixed)\n'
  expect(parseProfiles(text)).toEqual(['docker-default', '/usr/bin/man', 'a b (c)', 'lxc//hat', 'x'])
})

test('none, and no list', () => {
  expect(parseProfiles('')).toEqual([])
  expect(parseProfiles(undefined)).toBeUndefined()
})
