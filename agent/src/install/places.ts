import { installPaths } from '@quorate/shared/install-job'

const { home, config, unit, binary } = installPaths

/** Below the folder of installations: the stream that came last, and what the node had before. */
export const places = {
  staged: `${home}/staged`,
  stagedBinary: `${home}/staged/quorate-agent`,
  stagedKey: `${home}/staged/node.key`,
  previous: `${home}/previous`,
  /** Being written: it counts when it has its name. */
  previousNew: `${home}/previous.new`,
  /** An installation that was begun and whose agent has not answered yet: what the node had before must not be replaced by half of it. */
  open: `${home}/previous/open`,
} as const

/** The small files of an agent, by the name under which they are kept. The binary is kept as a second name of the same file. */
export const smallFiles: Readonly<Record<string, string>> = {
  'quorate-agent.service': unit,
  'agent.yaml': `${config}/agent.yaml`,
  'fleet-ca.crt': `${config}/fleet-ca.crt`,
  'node.crt': `${config}/node.crt`,
  'node.key': `${config}/node.key`,
}

export const keptBinary = `${places.previous}/quorate-agent`
export { binary as installedBinary }
