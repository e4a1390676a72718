import { explainLine } from '@quorate/coordinator/failures/explanations'
import type { PublicCase } from './case.js'
import { type SaidInPublic, saidInPublic } from './said.js'

/** Messages of public reports: each is explained, as it stands and behind what journald, a container's log or klog puts around it. */
export const messages: readonly PublicCase[] = saidInPublic.map(
  (said, at): PublicCase => ({
    id: `message-${said.explanation}-${numberOf(said, at)}`,
    kind: 'C',
    source: [said.source],
    input: `A log has the message: ${shortened(said.text)}`,
    outcome: 'reported',
    answer: `\`quorate explain\` recognises it as ${said.explanation} and says the cause and the remedy.`,
    trial: {
      call: (t) => {
        for (const line of asLogged(said.text)) t.equal(explainLine(line)?.id, said.explanation, line)
        t.not(explainLine(said.nearMiss)?.id, said.explanation, said.nearMiss)
      },
    },
  }),
)

/** Counts the messages of one explanation. */
function numberOf({ explanation }: SaidInPublic, at: number): number {
  return saidInPublic.slice(0, at + 1).filter((one) => one.explanation === explanation).length
}

const asLogged = (text: string): string[] => [
  text,
  `Nov 22 12:00:00 cp2 kubelet[912]: ${text}`,
  `2026-11-22T12:00:00.123456789Z stderr F ${text}`,
  JSON.stringify({ log: `${text}\n`, stream: 'stderr' }),
  `E1122 12:00:00.000000   912 x.go:1] "failed" err=${JSON.stringify(text)}`,
]

function shortened(text: string): string {
  return text.length > 120 ? `${text.trim().slice(0, 117)}...` : text.trim()
}
