/** What the build knows of itself. */
declare const DAVIT_VERSION: string | undefined
declare const DAVIT_COMMIT: string | undefined

/** Version of package.json. */
export const VERSION = typeof DAVIT_VERSION === 'string' ? DAVIT_VERSION : '0.0.0-source'
/** Commit of the build, "" when unknown. */
export const COMMIT = typeof DAVIT_COMMIT === 'string' && DAVIT_COMMIT !== 'unknown' ? DAVIT_COMMIT : ''
