import { spawnSync } from 'node:child_process'
import { candidates } from '@quorate/coordinator/cli/complete'
import type { CliContext } from '@quorate/coordinator/cli/context'
import { makeProgram } from '@quorate/coordinator/cli/program'
import t from 'tap'

const printed: string[] = []
const context = {
  ...{ version: '0', defaultState: '/nowhere' },
  terminal: { out: (text: string) => printed.push(text), err: () => undefined },
} as unknown as CliContext
const program = () => makeProgram(context, () => undefined)
const names = {
  runs: async () => ['20261130t101112-bbbbbb', '20261129t101112-aaaaaa'],
  nodes: async () => ['k8smaster1.example.com', 'k8sworker1.example.com'],
}
const found = async (...words: string[]) => {
  const { words: all, files } = await candidates(await program(), words, names)
  return [...all.map(({ word }) => word), ...(files ? [':files'] : [])]
}

t.test('commands, what follows them, and nothing that is hidden', async (t) => {
  t.same(await found('con'), ['convert'])
  const commands = await found('')
  for (const command of ['plan', 'convert', 'deploy', 'completion']) t.ok(commands.includes(command), command)
  t.same(await found('token', ''), ['create', 'node', 'list', 'revoke'])
  t.same(await found('completion', ''), ['bash', 'zsh', 'fish'])
  t.same(await found('nonsense', ''), [])
})

t.test('options of the command and of the program, and their values', async (t) => {
  t.same(await found('convert', '--detac'), ['--detach'])
  t.ok((await found('token', 'node', '--')).includes('--ttl'))
  t.ok((await found('token', 'node', '--')).includes('--state'))
  t.same(await found('status', '-o', ''), ['text', 'json'])
  t.same(await found('status', '--output=j'), ['--output=json'])
  t.same(await found('plan', '-f', ''), [':files'])
  t.same(await found('plan', '--file=', ''), await found('plan', ''), 'a value that is given is over')
  t.same(await found('-o', 'json', 'pla'), ['plan'])
})

t.test('runs, newest first, and nodes', async (t) => {
  t.same(await found('resume', ''), ['20261130t101112-bbbbbb', '20261129t101112-aaaaaa'])
  t.same(await found('resume', '20261129'), ['20261129t101112-aaaaaa'])
  t.same(await found('resume', '20261129t101112-aaaaaa', ''), [], 'it takes one')
  t.ok((await found('backup', 'prune', 'x', '20261130')).includes('20261130t101112-bbbbbb'), 'it takes several')
  t.same(await found('revoke', 'k8sw'), ['k8sworker1.example.com'])
  t.same(await found('deploy', '-f', 'x', '--limit', 'k8sworker1.example.com', 'k8sm'), ['k8smaster1.example.com'])
  t.ok((await found('deploy', '--limit', 'k8sworker1.example.com', '--yes', '--')).includes('--check'))
})

t.test('bash loads its script, asks at a Tab, and completes', async (t) => {
  printed.length = 0
  await (await program()).parseAsync(['completion', 'bash'], { from: 'user' })
  const bash = `quorate() { [ "$1 $2 $3 $4 $5" = 'completion words -- revoke k8' ] && printf 'k8s-1\\t\\nk8s-2\\tsaid\\n'; }
${printed.join('')}
COMP_WORDS=(quorate revoke k8) COMP_CWORD=2
_quorate
printf '%s\\n' "\${COMPREPLY[@]}"`
  const { stdout, stderr } = spawnSync('bash', ['-c', bash], { encoding: 'utf8' })
  t.equal(stderr, '')
  t.equal(stdout, 'k8s-1\nk8s-2\n')
})
