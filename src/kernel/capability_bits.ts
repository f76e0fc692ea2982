/**
 * Sets of capabilities as bits, in two halves of 32: JavaScript's integers. Planning runs cold at every start, where
 * sets of names cost ten times as much.
 */
import { CAPABILITY_NAMES, type CapabilityName, capabilityNumber } from './capabilities.ts'

export interface CapabilityBits {
  readonly low: number
  readonly high: number
}

/** The bits of names; what is no capability has none. */
export function bitsOf(names: readonly string[] = []): CapabilityBits {
  let low = 0
  let high = 0
  for (let i = 0; i < names.length; i++) {
    const number = capabilityNumber(names[i] as string)
    if (number === undefined) continue
    if (number < 32) low |= 1 << number
    else high |= 1 << (number - 32)
  }
  return { low, high }
}

/** The bits of hexadecimal digits as /proc/PID/status has them. */
export function bitsOfHex(hex: string): CapabilityBits {
  return { low: Number.parseInt(hex.slice(-8), 16) | 0, high: Number.parseInt(hex.slice(0, -8) || '0', 16) | 0 }
}

/** Whether a capability is among the bits. */
export function hasCapability(bits: CapabilityBits, name: CapabilityName): boolean {
  const { low, high } = bitsOf([name])
  return ((bits.low & low) | (bits.high & high)) !== 0
}

/** All capabilities up to and with a number. */
export function bitsUpTo(last: number): CapabilityBits {
  if (last < 31) return { low: (1 << (last + 1)) - 1, high: 0 }
  return { low: -1, high: last >= 63 ? -1 : (1 << (last - 31)) - 1 }
}

export function and(a: CapabilityBits, b: CapabilityBits): CapabilityBits {
  return { low: a.low & b.low, high: a.high & b.high }
}

/** What is in `a` and not in `b`. */
export function without(a: CapabilityBits, b: CapabilityBits): CapabilityBits {
  return { low: a.low & ~b.low, high: a.high & ~b.high }
}

export function or(a: CapabilityBits, b: CapabilityBits): CapabilityBits {
  return { low: a.low | b.low, high: a.high | b.high }
}

/** The names of bits, in the order of their numbers. */
export function namesOf(bits: CapabilityBits): string[] {
  const names: string[] = []
  for (let number = 0; number < CAPABILITY_NAMES.length; number++) {
    const half = number < 32 ? bits.low >>> number : bits.high >>> (number - 32)
    if (half & 1) names.push(CAPABILITY_NAMES[number] as string)
  }
  return names
}
