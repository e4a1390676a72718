import { allExplanations, explainLine } from '@quorate/coordinator/failures/explanations'
import { withExplanations } from '@quorate/coordinator/failures/with-explanations'
import t from 'tap'
import { allSaid } from './said.js'

t.test('every explanation has its real text', async (t) => {
  t.same([...new Set(allSaid.map(({ explanation }) => explanation))].sort(), allExplanations.map(({ id }) => id).sort())
})

for (const { explanation, text, nearMiss } of allSaid) {
  t.test(explanation, async (t) => {
    t.equal(explainLine(text)?.id, explanation)
    t.equal(explainLine(`Nov 22 12:00:00 cp2 kubeadm[77]: ${text}`)?.id ?? 'whole lines only', inLog(explanation))
    t.equal(explainLine(JSON.stringify({ log: text }))?.id ?? 'whole lines only', inLog(explanation))
    t.not(explainLine(nearMiss)?.id, explanation)
  })
}

/** What kubectl prints stands at the beginning of its line; all else is found behind what journald puts before it. */
const inLog = (explanation: string): string => (explanation === 'mirror-pod-deleted' ? 'whole lines only' : explanation)

t.test('an explanation is stateless: asked twice it says the same', async (t) => {
  for (const { pattern } of allExplanations) t.match(pattern.flags, /^i?$/)
})

/** A repeat without an end, a class aside: what makes a pattern quadratic, or worse, in a text that was made for it. */
const unbounded = /(?<!\\)[*+]|\{\d+,\}/
const withoutClasses = (source: string): string => source.replace(/\[(?:\\.|[^\]\\])*\]/g, 'C').replace(/\\./g, 'E')
/** How often each place of a text may be looked at: the product of what the repeats of an alternative allow. */
const looksOf = (source: string): number =>
  Math.max(
    ...alternatives(withoutClasses(source)).map((one) =>
      [...one.matchAll(/\{\d*,(\d+)\}/g)].reduce((all, [, most]) => all * Number(most), 1),
    ),
  )

/** Of the pattern as a whole: what stands between parentheses stays together. */
function alternatives(source: string): string[] {
  const all = ['']
  let depth = 0
  for (const character of source) {
    depth += character === '(' ? 1 : character === ')' ? -1 : 0
    if (character === '|' && depth === 0) all.push('')
    else all[all.length - 1] += character
  }
  return all
}

t.test(
  'no pattern repeats without a bound, and none repeats what repeats: time grows with the text alone',
  async (t) => {
    for (const { id, pattern } of allExplanations) {
      const source = withoutClasses(pattern.source)
      t.notMatch(source, unbounded, `${id}: every repeat has a bound`)
      t.notMatch(source, /\{\d*,\d+\}\)\{/, `${id}: no repeat of a repeat`)
      t.ok(looksOf(pattern.source) <= 1_000_000, `${id}: ${looksOf(pattern.source)} looks`)
    }
  },
)

t.test('texts of 256 KiB that nearly match a pattern all the way are told from messages', async (t) => {
  for (const { id, pattern } of allExplanations) {
    const [part = ''] = pattern.source.match(/[A-Za-z][A-Za-z ]{3,}/) ?? []
    const hostile = part.padEnd(part.length + 1).repeat(Math.ceil(262_144 / (part.length + 1)))
    t.ok(hostile.length >= 262_144)
    const said = allExplanations.find((one) => one.pattern.test(hostile))
    t.ok(said === undefined || said.pattern.source.includes(part), id)
  }
})

t.test('an error carries what kubeadm said, explained once, the particular first', async (t) => {
  const told = {
    message:
      'kubeadm join ended with exit code 1:\ndial tcp 10.0.0.1:6443: connect: connection refused\nerror: etcdserver: too many learner members in cluster',
    remedy: 'Look.',
  }
  const explained = withExplanations(told)
  t.ok(explained.message.startsWith(told.message))
  t.match(explained.message, /That means: Two control planes join at once[\s\S]*That means: Nothing listens there/)
  t.match(explained.remedy, /^Wait\. .*etcdctl member list.* Look\.$/)
  t.same(withExplanations(explained), explained)
})

t.test('several errors of a preflight on one line are told apart', async (t) => {
  const message =
    'kubeadm would not join this node: Port-6443: Port 6443 is in use; FileContent: /proc/sys/net/ipv4/ip_forward contents are not set to 1'
  const { remedy } = withExplanations({ message, remedy: 'x' })
  t.match(remedy, /ss -ltnp.*sysctl/)
})

t.test('words of our own are left alone', async (t) => {
  const told = { message: 'the gate waited for 60 s', remedy: 'Mend it.' }
  t.same(withExplanations(told), told)
})
