/** koffi as it is built: each function that it makes for nobody would cost every start. */
import { expect, test } from 'vitest'
import { repositoryPath } from '../support/place.ts'

test('koffi makes what davit asks for, and little else', () => {
  const loaded: { exports: { decode?: object } } = { exports: {} }
  process.dlopen(loaded, repositoryPath('build/libexec/davit/koffi.node'))
  const { exports } = loaded
  const functions = Object.entries(exports).filter(([, value]) => typeof value === 'function')
  expect(functions.map(([name]) => name).sort()).toEqual(['LibraryHandle', 'TypeObject', 'decode', 'load'])
  expect(Object.keys(exports.decode ?? {})).toEqual([])
})
