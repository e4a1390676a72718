import { z } from 'zod'
import { document } from './document.js'
import { count, countByName, flag, list, object, role, text, time } from './words.js'

export const node = object({
  name: text,
  address: text.describe('host:port of its agent.'),
  reachable: flag,
  agentVersion: text.optional(),
  kubernetesVersion: text.optional(),
  clockOffsetMs: z.number().optional().describe("This node's clock minus the coordinator's."),
  certificateExpiresAt: time,
  denyList: count.optional().describe('Number of the list of revoked keys that it has; 0: none.'),
  revoked: flag.optional().describe('Its own key was revoked.'),
  problem: object({ code: text, message: text, remedy: text }).optional(),
})

export const nodes = document('nodes', 'Every enrolled node as it answers now: `quorate nodes`.', { nodes: list(node) })

export const upgradeCheck = document('upgrade-check', 'Whether this release can take over: `quorate upgrade-check`.', {
  version: text.describe('Of this release.'),
  items: list(
    object({
      kind: z.enum(['run', 'agent']),
      name: text.describe('Id of a run that is not over, or name of a node.'),
      version: text.describe('Which release wrote the run last, or answers on the node; empty: not known.'),
      verdict: z.enum(['fine', 'can wait', 'blocks']),
      says: text,
      next: text.describe('What to type; empty where nothing is to be done.'),
    }),
  ),
})

export const backends = document('backends', 'Which control planes are behind the endpoint: `quorate backends`.', {
  endpoint: text,
  connections: count,
  backends: list(
    object({
      node: text,
      certificateSha256: text.describe('Hexadecimal; empty if it shows none.'),
      problem: text,
      met: count.describe('Connections through the endpoint that reached it.'),
    }),
  ),
  strangers: countByName.describe(
    'Certificates of no control plane of the file, by sha256, and how often each was seen.',
  ),
  failures: countByName.describe('Errors of connections, and how often each occurred.'),
})

export const initialised = document('initialised', 'A new state folder: `quorate init`.', {
  state: text,
  fleetId: text,
  backupIdentity: text.describe('File with the key that opens backups.'),
})

export const enrolled = document('enrolled', 'A new identity of a node: `quorate enroll`.', {
  node: text,
  address: text,
  files: list(text),
})

export const deployment = document('deployment', 'Agents on nodes, and what became of them: `quorate deploy`.', {
  nodes: list(
    object({
      name: text,
      ssh: text.describe('What was typed after `ssh`.'),
      now: text.describe('What was there.'),
      does: z.enum(['install', 'upgrade', 'finish', 'remove', 'rollback', 'nothing', 'blocked']),
      changes: list(text),
      state: z
        .enum(['planned', 'done', 'failed'])
        .describe('`planned`: not done, because of --check, or because nothing was to be done.'),
      bytes: count.optional().describe('What travelled to it, before ssh encrypts it; of a node that was worked on.'),
      seconds: z.number().optional().describe('How long the work took.'),
      problem: object({ code: text, message: text, remedy: text }).optional(),
    }),
  ),
})

const backup = object({
  run: text,
  node: text,
  kind: z.enum(['etcd', 'files']),
  path: text,
  bytes: count,
  modifiedAt: time,
  journalSha256: text.optional().describe('As the journal has it; absent if the journal does not name it.'),
  sound: flag.optional().describe('Only of `quorate backup verify`.'),
  said: text.optional(),
})

export const backups = document('backups', 'What is kept: `quorate backup list` and `verify`.', {
  backups: list(backup),
})

export const restored = document('restored', 'Files that were written: `quorate backup restore`.', {
  written: list(text),
})

export const renewals = document('renewals', 'Identities and what became of them: `quorate renew`.', {
  identities: list(
    object({
      whose: text.describe("A node's name, `coordinator`, or `issuer`."),
      state: z.enum(['renewed', 'valid', 'failed']),
      until: time,
      problem: object({ code: text, message: text, remedy: text }).optional(),
    }),
  ),
})

export const root = document('root', 'Where the root key of the fleet is: `quorate root show`.', {
  rootKey: z.enum(['in clear', 'under a passphrase', 'elsewhere']),
  issuerUntil: time
    .optional()
    .describe('When the issuer ends, which issues all certificates; absent where there is none yet.'),
  rotationSince: time.optional().describe('When the rotation of the root began that is under way: both roots count.'),
})

export const revocation = document('revocation', 'Revoked keys, and which node knows it: `quorate revoke`.', {
  whose: text.describe("A node's name, or `coordinator`."),
  keys: list(text).describe('SHA-256 of each SubjectPublicKeyInfo, hexadecimal.'),
  number: count.describe('Of the list of revoked keys.'),
  nodes: list(
    object({
      name: text,
      state: z.enum(['has it', 'away', 'revoked']),
      problem: object({ code: text, message: text, remedy: text }).optional(),
    }),
  ),
})

const restToken = object({
  name: text,
  role,
  clusters: list(text).describe('Clusters that it is about; empty: all.'),
  createdAt: time,
  expiresAt: time,
})

const nodeToken = object({
  node: text,
  agent: text.describe('Where the coordinator will reach its agent.'),
  createdAt: time,
  expiresAt: time,
  used: flag.describe('A key has used it: it is for no other one.'),
})

export const tokens = document('tokens', 'Tokens of REST and of nodes that are to join: `quorate token list`.', {
  tokens: list(restToken),
  nodes: list(nodeToken),
})

export const nodeTokenCreated = document('node-token-created', 'A new token of a node: `quorate token node`.', {
  token: text.describe('Printed once: it is kept nowhere.'),
  kept: nodeToken,
})

export const tokenCreated = document('token-created', 'A new token of REST: `quorate token create`.', {
  token: text.describe('Printed once: it is kept nowhere.'),
  kept: restToken,
})

export const pruned = document('pruned', 'Backups and logs that were deleted: `quorate backup prune`.', {
  nodes: list(object({ node: text, runs: list(text), said: text, done: flag })),
  logs: list(text),
})

export const explanation = document('explanation', 'Known messages in a log: `quorate explain`.', {
  lines: count,
  recognised: list(
    object({
      explanation: text,
      failures: list(text),
      cause: text,
      remedy: text,
      count,
      line: text,
      lineNumber: count,
    }),
  ),
})

export const draft = document('draft', 'A draft of a cluster file: `quorate discover`.', {
  clusterFile: text.describe('The draft, YAML with comments.'),
  questions: list(object({ line: count, message: text })).describe('What is left to answer in it.'),
})

export const detached = document('detached', 'A run that continues in the background: `--detach`.', {
  run: text,
  pid: count,
  log: text,
})

export const reportFile = document('report-file', 'The page that was written: `quorate report RUN --html FILE`.', {
  file: text,
})

export const failure = document('error', 'Why a command failed; on standard error.', {
  error: object({
    code: text,
    message: text,
    where: text.optional(),
    remedy: text,
    correlationId: text.optional(),
    exitCode: count,
  }),
})
