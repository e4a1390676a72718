import type { CommandMaker } from './context.js'

/**
 * A command as `quorate --help` lists it: with its arguments, what it does, and the file that makes it. That is read only when the command is asked for:
 * to read all of them takes ten times as long as Node.js itself.
 */
export type ListedCommand = readonly [usage: string, does: string, file: () => Promise<{ makeCommand: CommandMaker }>]

/** In the order of `quorate --help`. */
export const listedCommands: readonly ListedCommand[] = [
  ['init [options]', 'create the state folder and the fleet CA', () => import('./init.js')],
  ['deploy [options]', 'install, upgrade or remove the agent on every node, by ssh', () => import('./deploy.js')],
  ['enroll [options] <node>', 'issue the identity of a node', () => import('./enroll.js')],
  ['nodes', 'list the enrolled nodes and check their agents', () => import('./nodes.js')],
  ['upgrade-check', 'whether this release of quorate can take over', () => import('./upgrade-check.js')],
  ['renew [options] [name...]', 'renew certificates of agents and of the coordinator', () => import('./renew.js')],
  ['revoke [options] [name]', 'revoke the keys of a node, a user or the coordinator', () => import('./revoke.js')],
  ['root', 'show, protect and exchange the root of the fleet', () => import('./root.js')],
  [
    'discover [options]',
    'draft the cluster file from a cluster or an Ansible inventory',
    () => import('./discover.js'),
  ],
  ['plan [options]', 'show what a conversion would do; changes nothing', () => import('./plan.js')],
  ['approve [options] <hash>', 'sign a plan as an approver', () => import('./approve.js')],
  ['approvals', 'list approvals of plans, or add one that was signed elsewhere', () => import('./approvals.js')],
  ['convert [options]', 'convert the cluster', () => import('./convert.js')],
  ['resume [options] <run>', 'continue a run', () => import('./resume.js')],
  ['rollback [options] <run>', 'undo a run', () => import('./rollback.js')],
  ['status [run]', 'show runs and their state', () => import('./status.js')],
  ['watch <run>', 'follow a run', () => import('./watch.js')],
  ['verify [options]', 'check whether the cluster is highly available now', () => import('./verify.js')],
  ['backends [options]', 'show which control planes the load balancer reaches', () => import('./backends.js')],
  ['drill [options]', 'take parts down and measure what users notice', () => import('./drill.js')],
  ['report [options] <run>', 'show a run as a document', () => import('./report.js')],
  ['backup', 'list, verify, restore and prune backups', () => import('./backup.js')],
  ['audit', 'show who did what, and whether the record was changed since', () => import('./audit.js')],
  ['explain [file]', 'explain the known messages in a log', () => import('./explain.js')],
  ['schema <what>', 'print the JSON schema of the cluster file, for editors', () => import('./schema.js')],
  ['serve [options]', 'serve REST and an event stream', () => import('./serve.js')],
  ['token', 'create, list and revoke tokens of REST, and of nodes that join', () => import('./token.js')],
  ['identity', 'issue and list certificates of persons, each with one role', () => import('./identity.js')],
  ['completion', 'print what makes a shell complete commands, runs, nodes and files', () => import('./completion.js')],
]

export const nameOfListed = ([usage]: ListedCommand): string => usage.split(' ')[0] ?? ''
