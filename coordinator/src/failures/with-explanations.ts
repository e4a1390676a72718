import { allExplanations, explainLine } from './explanations.js'

interface Told {
  readonly message: string
  readonly remedy: string
}

/** The end of a log may hold the sequels of a failure too: the more particular say why. */
const atMost = 2

/**
 * What was told of a failure, with what the words of kubeadm, etcd and others in it mean: their causes after the message, their remedies before
 * the general one. Said once: an error that comes out of the journal has them already.
 */
export function withExplanations({ message, remedy }: Told): Told {
  const said = new Set(message.split(/\n|; /).map(explainLine))
  const known = allExplanations.filter((one) => said.has(one)).slice(0, atMost)
  // A message has no full stop at its end: whoever shows it goes on.
  const fresh = known
    .map(({ cause, remedy: its }) => ({ cause: cause.replace(/\.$/, ''), remedy: its }))
    .filter(({ cause }) => !message.includes(cause))
  return {
    message: [message, ...fresh.map(({ cause }) => `That means: ${cause}`)].join('\n'),
    remedy: [...fresh.map((one) => one.remedy), remedy].join(' '),
  }
}
