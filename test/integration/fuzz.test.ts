import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import t from 'tap'

const main = join(import.meta.dirname, '../fuzz/main.ts')

t.test('generated texts and requests: every parser, every operation of an agent, nothing found', async (t) => {
  // A fixed seed and number of cases: the same on every machine. In a process of its own, which may die of what it is given.
  const child = spawn(process.execPath, [...process.execArgv, main, '--seed', '1', '--cases', '6'])
  const printed: string[] = []
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => printed.push(String(chunk)))
  const [code] = await once(child, 'close')
  t.equal(code, 0, printed.join(''))
  t.match(printed.join(''), /parsers: [1-9]\d* cases of \d+, 0 found[\s\S]*operations: [1-9]\d* cases of \d+, 0 found/)
})
