import { posix } from 'node:path'
import { describe, expect, test } from 'vitest'
import { importsOf, listProject, readProject, withoutComments } from './source.ts'

/** Folders by layer, lowest first. A file imports from its own folder and from lower layers. */
const LAYERS: readonly (readonly [folder: string, layer: number])[] = [
  ['src/base/', 0],
  ['src/kernel/', 1],
  ['src/spec/', 2],
  ['src/plan/', 3],
  ['src/wire/', 4],
  ['src/ffi/', 5],
  ['src/host/', 5.1],
  ['src/state/', 5.2],
  ['src/lifecycle/', 6],
  ['src/cli/', 7],
  ['src/main.ts', 8],
  ['src/program.ts', 8],
  ['src/index.ts', 8],
]

/** Written by tools at build time, never part of the product. */
const GENERATORS = ['src/wire/generate.ts']

const FILES = listProject('src', '.ts')
const TEXT = new Map(FILES.map((path) => [path, readProject(path)]))

function layerOf(path: string): number {
  const found = LAYERS.find(([folder]) => path.startsWith(folder))
  if (!found) throw new Error(`${path} belongs to no layer`)
  return found[1]
}

/** Modules of the project that a file imports. */
function ownImports(path: string): string[] {
  return importsOf(TEXT.get(path) ?? '')
    .filter((name) => name.startsWith('.'))
    .map((name) => posix.join(posix.dirname(path), name))
}

/** Every file that matches, as "path:line: text". */
function matches(files: readonly string[], pattern: RegExp): string[] {
  return files.flatMap((path) =>
    withoutComments(TEXT.get(path) ?? '')
      .split('\n')
      .flatMap((line, i) => (pattern.test(line) ? [`${path}:${i + 1}: ${line.trim()}`] : [])),
  )
}

describe('layers', () => {
  test('the tests see the imports', () => {
    expect(
      importsOf("import { a } from './a.ts'\nimport type { b } from '../b.ts'\nexport { c } from './c.ts'"),
    ).toEqual(['./a.ts', '../b.ts', './c.ts'])
    expect(importsOf("import './d.ts'\nconst e = await import('./e.ts')\ntype F = import('./f.ts').F")).toEqual([
      './d.ts',
      './e.ts',
      './f.ts',
    ])
    expect(importsOf("import {\n  a,\n  type B,\n} from './a.ts'\n// import './no.ts'\n/* from './no.ts' */")).toEqual([
      './a.ts',
    ])
    expect(FILES.length).toBeGreaterThan(100)
  })

  test('every file imports from its own folder or from a lower layer', () => {
    const wrong = FILES.flatMap((path) =>
      ownImports(path)
        .filter((target) => layerOf(target) > layerOf(path))
        .map((target) => `${path} imports ${target}`),
    )
    expect(wrong).toEqual([])
  })

  test('no cycles, type-only imports included', () => {
    const done = new Set<string>()
    const cycles: string[] = []
    const visit = (path: string, trail: readonly string[]) => {
      if (trail.includes(path)) cycles.push([...trail.slice(trail.indexOf(path)), path].join(' -> '))
      if (done.has(path) || trail.includes(path)) return
      for (const target of ownImports(path)) visit(target, [...trail, path])
      done.add(path)
    }
    for (const path of FILES) visit(path, [])
    expect(cycles).toEqual([])
  })

  test('every import leads to a file', () => {
    const missing = FILES.flatMap((path) =>
      ownImports(path).filter((target) => !TEXT.has(target) && !target.endsWith('package.json')),
    )
    expect(missing).toEqual([])
  })
})

describe('bans', () => {
  const planners = FILES.filter((path) => path.startsWith('src/plan/'))

  test('planners are pure: no node modules, no clock, no chance, no process', () => {
    const modules = planners.flatMap((path) =>
      importsOf(TEXT.get(path) ?? '')
        .filter((name) => !name.startsWith('.'))
        .map((name) => `${path} imports ${name}`),
    )
    expect(modules).toEqual([])
    // A local variable named process is config.json's; the global one is known by its members.
    const globals =
      /\bglobalThis\b|\bprocess\.(env|argv|arch|platform|cwd|exit|pid|uptime|hrtime|stdout|stderr|memoryUsage)\b/
    expect(matches(planners, globals)).toEqual([])
    expect(
      matches(planners, /\bDate\b|\bperformance\b|Math\.random|\bsetTimeout\b|\bconsole\.\w+\(|\bfetch\(/),
    ).toEqual([])
    expect(matches(planners, /\bBuffer\b/), 'Buffer is of Node').toEqual([])
  })

  test('raw system calls instead of node:fs, whose loading costs start-up time', () => {
    const product = FILES.filter((path) => !GENERATORS.includes(path))
    const slow = /node:(fs|child_process|net|os|path|util|stream|events|readline|tty|worker_threads)\b/
    expect(product.flatMap((path) => importsOf(TEXT.get(path) ?? '').filter((name) => slow.test(name)))).toEqual([])
  })

  test('koffi is loaded in one file', () => {
    expect(FILES.filter((path) => importsOf(TEXT.get(path) ?? '').some((name) => /koffi/.test(name)))).toEqual([])
    expect(matches(FILES, /\bdlopen\b/).map((line) => line.split(':')[0])).toEqual(['src/ffi/native.ts'])
  })

  test('no enums, no namespaces: unions and plain data', () => {
    expect(matches(FILES, /^\s*(export\s+)?(const\s+)?enum\s|^\s*(export\s+)?namespace\s+\w+\s*\{/)).toEqual([])
  })
})

describe('size', () => {
  const lines = (path: string) => readProject(path).trimEnd().split('\n').length

  test('no file over 300 lines', () => {
    const written = FILES.filter((path) => !path.includes('.gen.'))
    expect(written.filter((path) => lines(path) > 300)).toEqual([])
  })

  test('no barrels: a module that only re-exports exists once, as the package', () => {
    const barrels = FILES.filter((path) => {
      const code = withoutComments(TEXT.get(path) ?? '')
      const statements = code.match(/^(export|import|const|let|function|class|type|interface|async)\b.*/gm) ?? []
      return statements.length > 1 && statements.every((line) => /^export\s+(type\s+)?(\{|\*)/.test(line))
    })
    expect(barrels).toEqual(['src/index.ts'])
    expect(FILES.filter((path) => /(^|\/)utils?\.|\/index\.ts$/.test(path))).toEqual(['src/index.ts'])
  })

  test('the C stays readable in one sitting', () => {
    const native = [...listProject('native', '.c'), ...listProject('native', '.h')]
    const sizes = native.map((path) => [path, lines(path)] as const)
    const total = (of: typeof sizes) => of.reduce((sum, [, count]) => sum + count, 0)
    // What runs in the container; the others are davit until the engine is there, and serve the parent.
    const inside = sizes.filter(([path]) => !/(entry|launch|parent|prepared|watch)\.[ch]$/.test(path))
    console.log(`native: ${total(sizes)} lines in ${sizes.length} files, ${total(inside)} of them run in containers`)
    expect(sizes.filter(([, count]) => count > 300)).toEqual([])
    expect(total(inside)).toBeLessThan(1700)
    expect(total(sizes)).toBeLessThan(2750)
  })
})
