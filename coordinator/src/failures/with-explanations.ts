import { allExplanations, explainLine } from './explanations.js'

interface Told {
  readonly message: string
  readonly remedy: string
}

/** The end of a log may hold consequences of a failure too: the more specific messages name the cause. */
const atMost = 2

/**
 * A failure with the messages of kubeadm, etcd and others in it explained: their causes after the message, their remedies before
 * the general one. Added once: an error read from the journal already has them.
 */
export function withExplanations({ message, remedy }: Told): Told {
  const said = new Set(message.split(/\n|; /).map(explainLine))
  const known = allExplanations.filter((one) => said.has(one)).slice(0, atMost)
  // A message has no full stop at its end: the caller continues the sentence.
  const fresh = known
    .map(({ cause, remedy: its }) => ({ cause: cause.replace(/\.$/, ''), remedy: its }))
    .filter(({ cause }) => !message.includes(cause))
  return {
    message: [message, ...fresh.map(({ cause }) => `That means: ${cause}`)].join('\n'),
    remedy: [...fresh.map((one) => one.remedy), remedy].join(' '),
  }
}
