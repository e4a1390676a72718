import type { Session } from '@quorate/coordinator/runs/context/session'
import { NodeFacts } from '@quorate/shared/gen/quorate/v1/facts'
import t from 'tap'
import type { CliContext } from '../../../../coordinator/src/cli/context.js'
import { runProgram } from '../../../../coordinator/src/cli/program.js'
import { makeStyle, shown } from '../../../../coordinator/src/cli/render/style.js'
import { html } from '../../../../coordinator/src/report/html/markup.js'
import { restSession } from '../../../support/rest-session.js'

const steering = ['\u001b]0;title\u0007', '\u001b[2J', '\u009b31m', '\u0008', '\r', '\u007f', '\0']
const bidi = ['\u202a', '\u202e', '\u2066', '\u2069', '\u200e', '\u200f']
// biome-ignore lint/suspicious/noControlCharactersInRegex: what must not be there
const foreign = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/

t.test('the way out to a terminal keeps our own sequences and nothing foreign', async (t) => {
  const { bad } = makeStyle(true)
  const ours = `\u001b[3A${bad('failed')}\u001b[K\n\u001b[J\ttext ✓`
  t.equal(shown(ours), ours)
  for (const text of [...steering, ...bidi]) t.notMatch(shown(`a${text}b`), foreign, JSON.stringify(text))
  t.equal(shown('a\u202eb'), 'a\\u{202e}b', 'what disguises a text is written out')
})

t.test(
  'a node’s own words do not steer the terminal, not even where a command forgot to clean them; JSON is exact',
  async (t) => {
    const evil = `1.0${steering.join('')}${bidi.join('')}`
    const agent = (node: { name: string }) => ({
      node: node.name,
      read: async () => ({ facts: NodeFacts.fromPartial({ agentVersion: evil, clockUnixMs: Date.now() }) }),
    })
    const session = restSession({
      connect: () => ({ agent, close: () => {} }) as unknown as ReturnType<Session['connect']>,
    })
    const said = { text: '' }
    const context = {
      terminal: {
        ...{ live: false, coloured: false, canAsk: false },
        out: (text: string) => {
          said.text += text
        },
        err: () => {},
        size: () => ({ columns: 80, rows: 24 }),
      },
      version: '0',
      defaultState: '/nowhere',
      openSession: async () => session,
      now: Date.now,
    } as unknown as CliContext
    await runProgram(context, ['nodes'])
    t.match(said.text, /1\.0/)
    t.notMatch(said.text, foreign)
    for (const args of [
      ['nodes', '-o', 'json'],
      ['-ojson', 'nodes'],
      ['nodes', '--output=json'],
    ]) {
      said.text = ''
      await runProgram(context, args)
      t.equal(JSON.parse(said.text).nodes[0].agentVersion, evil, args.join(' '))
    }
  },
)

t.test('the HTML report has none of them either', async (t) => {
  for (const text of [...steering, ...bidi])
    t.notMatch(html`<p>${`a${text}b`}</p>`.markup, foreign, JSON.stringify(text))
})
