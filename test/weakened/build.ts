/** Builds davit.js with test/weakened/encode.ts and code.ts in it, for Node. By Bun: build.ts OUTFILE. */
import { readFileSync } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import { CODE, weakenedSource } from './code.ts'

/** What of Bun is used here. */
declare const Bun: { readonly build: (options: object) => Promise<{ readonly success: boolean }> }

interface Builder {
  onLoad(where: { filter: RegExp }, load: (from: { path: string }) => { contents: string; loader: 'ts' }): void
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
      setup: (build: Builder) => {
        build.onResolve({ filter: /\/wire\/encode\.ts$/ }, ({ importer }) =>
          importer === `${import.meta.dirname}/encode.ts` ? undefined : { path: `${import.meta.dirname}/encode.ts` },
        )
        const files = new Set(Object.values(CODE).map(({ file }) => file))
        for (const file of files) {
          const filter = new RegExp(`/src/${file.replaceAll('.', '\\.')}$`)
          build.onLoad({ filter }, ({ path }) => ({
            contents: weakenedSource(file, readFileSync(path, 'utf8')),
            loader: 'ts',
          }))
        }
      },
    },
  ],
})
if (!success) process.exitCode = 1
