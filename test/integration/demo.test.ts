import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { exitCode } from '@quorate/shared/errors'
import t, { type Test } from 'tap'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** `node lab/demo.mjs ARGS` with a folder of its own for temporary files; `read` says when its output has been read enough. */
async function demo(t: Test, args: readonly string[], read: (stdout: string) => boolean = () => false) {
  const folder = mkdtempSync(join(tmpdir(), 'quorate-demo-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const child = spawn(process.execPath, ['lab/demo.mjs', ...args], {
    ...{ cwd: root, stdio: ['ignore', 'pipe', 'pipe'] },
    env: { ...process.env, TMPDIR: folder },
  })
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString()
    if (read(stdout)) child.stdout.destroy()
  })
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString()
  })
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { code, stdout, stderr, folder }
}

/** What a simulated cluster has there; tsx keeps what it compiled beside it. */
const leftIn = (folder: string): readonly string[] => readdirSync(folder).filter((name) => name.startsWith('qlab'))

/** Command lines of the processes that run a program of that folder. */
const processesOf = (folder: string): readonly string[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return [readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')]
      } catch {
        return [] // it has ended meanwhile
      }
    })
    .filter((line) => line.includes(folder))

t.test('--help says what the demo does and takes, and starts nothing', async (t) => {
  const { code, stdout, stderr, folder } = await demo(t, ['--help'])
  t.match({ code, stderr }, { code: 0, stderr: '' })
  t.match(stdout, /^Usage: npm run demo --[\s\S]*Needs no root[\s\S]*--keep[\s\S]*--kubernetes-version/)
  t.same(leftIn(folder), [])
})

t.test('an argument that the demo does not know is an error, before anything starts', async (t) => {
  for (const [args, said] of [
    [['--kepp'], /unknown option '--kepp'[\s\S]*npm run demo -- --help/],
    [['now'], /too many arguments/],
    [['--kubernetes-version', '1.37'], /Use a version such as v1\.37\.2/],
    [['--kubernetes-version', 'v1.12.3'], /no release like v1\.12\.3: known are .*1\.37/],
  ] as const) {
    const { code, stdout, stderr, folder } = await demo(t, args)
    t.match({ code, stdout }, { code: exitCode.usage, stdout: '' }, args.join(' '))
    t.match(stderr, said)
    t.notMatch(stderr, /\n\s+at /, 'no stack')
    t.same(leftIn(folder), [])
  }
})

t.test('an output that is closed ends the demo without a word, and nothing is left', async (t) => {
  const { code, stderr, folder } = await demo(t, [], (stdout) => stdout.includes('\n'))
  t.match({ code, stderr }, { code: exitCode.interrupted, stderr: '' })
  t.same(processesOf(folder), [], 'no process')
  t.same(leftIn(folder), [], 'no file')
})
