/** Every case of the suite is shown to be able to fail, but for a few, each with its reason. */
import { expect, test } from 'vitest'
import { CASES } from '../../../conformance/cases/catalog.ts'
import { PROVED, UNPROVED } from '../../support/proofs.ts'

const ids = CASES.map(({ id }) => id)

test('what no faulty runtime and no weakened build fails is listed, and nothing else', () => {
  expect(ids.filter((id) => !PROVED.has(id)).toSorted()).toEqual(Object.keys(UNPROVED).toSorted())
})

test('what is said to fail is a case', () => {
  expect([...PROVED].filter((id) => !ids.includes(id))).toEqual([])
})
