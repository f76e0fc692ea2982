/** davit validate. */
import { validateBundle } from '../../lifecycle/validate/bundle.ts'
import { print, type Session } from '../session.ts'
import type { CommandOf } from '../table.ts'
import { validationJson, validationText } from '../validation.ts'

/** 0: nothing is wrong; 1: something is. That a bundle cannot be looked at is thrown. */
export async function validate(command: CommandOf<'validate'>, { runtime }: Session): Promise<number> {
  const { bundle = '.', config, format, strict } = command.options
  const found = await validateBundle(runtime, bundle, config || undefined)
  print(format === 'json' ? validationJson(found) : validationText(found))
  return found.errors.length > 0 || (strict && found.warnings.length > 0) ? 1 : 0
}
