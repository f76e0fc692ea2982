/** Builds davit.js with test/weakened/encode.ts in it, for Node. By Bun: build.ts OUTFILE. */
import { basename, dirname, resolve } from 'node:path'

/** What of Bun is used here. */
declare const Bun: { readonly build: (options: object) => Promise<{ readonly success: boolean }> }

interface Builder {
  onResolve(where: { filter: RegExp }, resolve: (from: { importer: string }) => { path: string } | undefined): void
}

const [, , outfile = ''] = process.argv
const top = resolve(import.meta.dirname, '../..')

const { success } = await Bun.build({
  entrypoints: [`${top}/src/main.ts`],
  target: 'node',
  format: 'esm',
  outdir: dirname(outfile),
  naming: basename(outfile),
  define: { DAVIT_VERSION: '"0.0.0"', DAVIT_COMMIT: '"weakened"', DAVIT_EDITION: '"bundle"' },
  plugins: [
    {
      name: 'weakened',
      setup: (build: Builder) =>
        build.onResolve({ filter: /\/wire\/encode\.ts$/ }, ({ importer }) =>
          importer === `${import.meta.dirname}/encode.ts` ? undefined : { path: `${import.meta.dirname}/encode.ts` },
        ),
    },
  ],
})
if (!success) process.exitCode = 1
