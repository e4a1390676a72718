import { readFileSync } from 'node:fs'
import { access, type allowed } from '../agent/src/server/access.js'
import { commandTable } from '../coordinator/src/cli/access-table.js'
import { ofOneCall, ofOneNode } from '../coordinator/src/fleet/allowance.js'
import { accessTable } from '../coordinator/src/rest/access-table.js'
import { answerSizes } from '../shared/src/answer-bounds.js'
import { NodeAgentServiceService } from '../shared/src/gen/quorate/v1/node_agent.js'

type Name = keyof typeof NodeAgentServiceService

const tokenGoes = 'join token: sent to the endpoint and under the CA that the sealing node wrote into the secret'

/** OPERATIONS THAT SEND OR HAND OUT A SECRET of the node or the cluster, and what decides where it goes. */
const secrets: Partial<Readonly<Record<Name, string>>> = {
  readBackup: 'CA keys, etcd with every Secret: encrypted for the recipient that is pinned on the node',
  uploadCertificates: 'join token and certificate key: sealed to keys that the joiners prove',
  createJoinToken: 'join token: sealed to keys that the joiners prove',
  sealSharedFiles: 'files of the control plane: sealed to keys that the joiners prove',
  checkJoin: tokenGoes,
  probeDiscovery: tokenGoes,
  joinControlPlane: `${tokenGoes}; the pinned CA decides which cluster`,
  getOperation: 'results with ciphertexts that only the node that they are sealed to can open',
}

/** OPERATIONS WHOSE ARGUMENTS DECIDE WHAT RUNS with rights of root or of the cluster: the reason why an operator is root. */
const runs: Partial<Readonly<Record<Name, string>>> = {
  applyKubeVip:
    'an image that the caller names runs as a static pod on the host network, with a client certificate for a Lease',
  updateKubeadmConfig: 'image repository, arguments and volumes of the next control planes',
  joinControlPlane: 'arguments of the kubelet, and control planes as kubeadm-config describes them',
  placeSharedFiles:
    'files of another node of the fleet, in /etc/kubernetes and /var/lib/kubernetes (etcd certificates in /etc/etcd and /etc/ssl/etcd too), never executable',
  pullImages: 'images of a repository that the caller names are stored, not started',
  rewriteKubeconfig: 'which server a kubelet or a user trusts to be its API server; the CA in the file stays',
  writeHostsBlock: 'which address a name has on the node',
  placeSignedCertificates:
    'certificates of another CA, if the CA key is not on the cluster; nothing uses them before a join',
}

/** What a node that was taken over may try against the coordinator, and what stops it. */
const hostileNode: readonly (readonly [string, string])[] = [
  [
    'answer with more than a coordinator can hold: large, deeply nested, millions of empty messages, compressed',
    'each answer is counted while it is decoded, by the sizes below: `AGENT_ANSWER_REFUSED`',
  ],
  [
    'answer with names of a megabyte, times without a date, numbers that are none',
    'each field has bounds by its kind (`shared/src/answer-bounds.ts`): `AGENT_ANSWER_REFUSED`',
  ],
  [
    'report progress, or watch reports, without end',
    'lines and characters are counted for each call and each node, reports against the clock: `AGENT_ANSWER_REFUSED`',
  ],
  [
    'send a backup without end',
    'a backup of files has at most 1 GiB, of etcd 16 GiB, and it leaves room on the disk for the journal',
  ],
  [
    'never answer, answer byte by byte, reset every call',
    'each call has a deadline: 10 s to read, 30 minutes to change; `AGENT_UNREACHABLE`',
  ],
  [
    'steer the terminal, or the browser that shows a report',
    'control characters are removed; invisible ones are written out in text, JSON and HTML; HTML is escaped, and its policy runs no script',
  ],
  [
    'choose how a command exits by an error code of its own',
    'only the codes in [errors](errors.md) count; any other is a fault of the agent',
  ],
  ['write a secret into the journal by an error or a progress line', 'the filter for secrets goes over both again'],
]

const attackRows = (rows: readonly (readonly [string, string])[]): string =>
  rows.map(([attack, stops]) => `| ${attack} | ${stops} |`).join('\n')

const sizeRows = (): string =>
  Object.entries(answerSizes)
    .map(([of, { bytes, fields }]) => {
      const name = of.includes(' ') ? of : `the answer to \`${of}\``
      return `| ${name} | ${bytes / 2 ** 20} MiB | ${fields.toLocaleString('en')} fields |`
    })
    .concat(
      Object.entries({ 'progress of one call': ofOneCall, 'progress of one node, for each command': ofOneNode }).map(
        ([of, { lines, characters }]) =>
          `| ${of} | ${characters / 2 ** 20} Mi characters | ${lines.toLocaleString('en')} lines |`,
      ),
    )
    .join('\n')

/** The comment above each rpc of the proto, as one text. */
function purposes(): ReadonlyMap<string, string> {
  const proto = readFileSync(new URL('../proto/quorate/v1/node_agent.proto', import.meta.url), 'utf8')
  const found = [...proto.matchAll(/((?: {2}\/\/ [^\n]*\n)+) {2}rpc (\w+)\(/g)]
  return new Map(
    found.map(([, comment = '', name = '']) => [
      name,
      comment
        .replace(/^ {2}\/\/ /gm, '')
        .trim()
        .replaceAll('\n', ' '),
    ]),
  )
}

const upper = (name: string): string => name[0]?.toUpperCase() + name.slice(1)

/** One row for each operation of a role. */
function rowsOf(role: keyof typeof allowed): string {
  const purpose = purposes()
  return Object.entries(NodeAgentServiceService)
    .filter(([, { path }]) => access[path] === role)
    .map(([name]) => {
      const notes = [secrets[name as Name], runs[name as Name]].filter((note) => note !== undefined)
      return `| \`${upper(name)}\` | ${purpose.get(upper(name)) ?? ''} | ${notes.join('; ')} |`
    })
    .join('\n')
}

/** One row for each route of REST, with the roles that may call it. */
const routeRows = (): string =>
  Object.entries(accessTable)
    .map(
      ([route, roles]) =>
        `| \`${route.replaceAll(/:(\w+)/g, '{$1}')}\` | ${roles === 'public' ? 'none needed' : roles.join(', ')} |`,
    )
    .join('\n')

/** One row for each command, with the roles that may use it. */
const commandRows = (): string =>
  Object.entries(commandTable)
    .map(([what, { roles }]) => `| \`${what}\` | ${roles.length === 0 ? 'none' : roles.join(', ')} |`)
    .join('\n')

/** Text of docs/threat-model.md: who can do what with which key; the operations are those of the access table. */
export const threatModelPage = (): string => `# Threat model

Who can do what, role by role and key by key, and what stops the rest. Where secrets are and what to do after a theft: [security](security.md).

Generated from the code (\`npm run docs\`); the tables of operations are the access table and the comments of the proto.

## Roles

| role | has | can | cannot |
|---|---|---|---|
| observer | a client certificate with \`quorate:observer\` (\`quorate identity issue\`) or a token of REST | call the operations [below](#what-an-observer-may-call): read facts, ConfigMaps and manifests, from which a filter removes private keys, tokens and passwords as far as it recognizes them; let a node connect to an address and report what answers | change a node, get a backup, have a token sent anywhere |
| approver | a client certificate with \`quorate:approver\`, and its key | what an observer may; sign plans, each for one run; by REST, plan and hand in approvals | start, resume or roll back a run; sign for another approver; count twice, or for a run of the same name |
| auditor | a client certificate with \`quorate:auditor\` or a token of REST | what an observer may; read [the calls that agents recorded](#what-an-auditor-may-call), and the history, by REST or \`quorate audit\` | change anything |
| enroller | a client certificate with \`quorate:enroller\` or a token of REST | by REST, list nodes and have certificates renewed that are due; \`quorate enroll\`, where the state folder is at hand | call agents, read runs, start anything. To issue a new identity takes the issuer |
| operator | a client certificate with \`quorate:operator\`: the coordinator's | call every operation. [Its thief is root](#coordinators-certificate-alone) on every node that becomes a control plane, and can break every node | read backups or join secrets with it alone, place files of its own, join a machine to a cluster that no agent of the fleet belongs to |
| agent | a certificate with \`quorate:node\`, for its name | prove its sealing key, seal for other nodes, open what was sealed to it | call any operation of another agent |
| local user of a node | an account, no root | write the kubeconfig in the home folder, which the agent reads and rewrites as root: [users on the nodes](security.md#users-on-the-nodes) | read \`/etc/quorate\`, \`/var/lib/quorate-agent\` or \`/run/quorate-agent\` |
| a machine without a certificate | a connection to port 7445 | hold up to 32 connections, 5 s each | complete a TLS handshake, call anything |
| REST client | the token of \`quorate serve\`, role operator, or one with [its own role](#what-each-role-may-call-by-rest) | as an operator: plan, start, resume and roll back runs, drills among them, which take parts of a cluster down; read reports | call agents, read the state folder, get a backup; start a run whose approvals are missing |

## Keys

### Root key

\`STATE/fleet/ca.key\`, or \`ca.key.age\` under a [passphrase](security.md#the-root-key). Its thief makes issuers, for ten years, and approvers. That is everything below together: root on every node, join secrets, cluster-admin of every cluster that joins a control plane from then on.
It does not decrypt backups: these need the age identity. It cannot be revoked: [exchange the root](security.md#exchange-the-root), before its thief does. Where plans need [approvals](#approvals), operators must not have it.

### Issuer

\`STATE/fleet/issuer.pem\`. Until it ends, after 90 days at most, its thief issues certificates of any node, of operators and other roles, which end with it; it signs lists of [revoked keys](#revoked-keys), later too. It makes no approvers, no issuers and nothing that outlasts it.
It cannot be revoked alone: [exchange the root](security.md#exchange-the-root), which gives up both, or bear it for the days that are left.

### Coordinator's certificate alone

\`STATE/fleet/coordinator.key\`, without the rest of the state folder. Its thief can call every operation. These attacks fail:

| attack | what stops it |
|---|---|
| name a key of one's own for the certificate key, the join token or the shared files | nothing is sealed to a key that the node itself did not sign with its certificate: \`SEAL_UNPROVEN\` |
| read backups for a key of one's own | they go to the recipient that is pinned on the node: \`PINNED_TO_ANOTHER\` |
| place files that no node sealed | the envelope inside the seal is signed by the sending node: \`SEAL_UNPROVEN\` |
| place a program, or a file where root's programs look | two folders, \`/etc/kubernetes\` and \`/var/lib/kubernetes\`, and certificates of etcd's clients (\`.crt\`, \`.pem\`, \`.key\`) below \`/etc/etcd\` and \`/etc/ssl/etcd\`; without what the kubelet reads and what kubeadm makes; owner root, no execute bit, no setuid. kubeadm's patches can be placed, by a node of the fleet: \`NOT_IN_TABLE\` |
| use a sealed secret again for another run, node or purpose | sender, recipient, key, run and purpose are in the envelope: \`SECRET_NOT_FOR_US\` |
| have the join token sent to an endpoint of one's own | endpoint and CA are part of the sealed secret: \`SECRET_NOT_FOR_US\` |
| lock the operator out, or undo its revocation | lists of revoked keys are signed by the issuer, and their number only rises: \`DENY_LIST_REFUSED\`; other roots are signed by a root that is trusted already: \`TRUST_BUNDLE_REFUSED\` |
| join a machine to a foreign cluster | no agent of the fleet seals a secret for it; after the first join the CA is pinned: \`PINNED_TO_ANOTHER\` |

What remains, and why the key is to be kept as the private key of the cluster's CA is kept:

- It can reset control planes that a run joined, remove etcd members, stop parts of a control plane, and so take the cluster down.
- It decides the image repository, the arguments and the volumes of new control planes, and the image of kube-vip. **That is root on these nodes and, from there, cluster-admin.** The nodes pull and run what it names.
- It can point names, kubeconfigs and load balancers at another address. Clients that verify the cluster's CA fail rather than talk to it; a user's kubeconfig with a token and \`insecure-skip-tls-verify\` does not.
- It can move secrets between nodes of the fleet that exist: with root on one enrolled node *and* this certificate a thief gets the join secrets and, through them, the cluster's CA keys.
- On a node without a pin (enrolled before pins existed, no backup read yet) the first recipient that asks is pinned: see [pins](#pins).

### Approver's key

\`identity.key\` in the folder of the approver, never in the state folder. Its thief approves plans in that name, for as long as the certificate is valid, and reads what an observer may. It starts nothing: that takes an operator, and as many other approvers as the cluster file requires less one.

### Agent's certificate

\`/etc/quorate/node.key\`. Its thief can call no operation. With the node's address as well it can impersonate this agent: report wrong facts, and receive the join secrets when this node joins. Together with the coordinator's certificate it can also
seal: place shared files, kubeadm's patches among them, on nodes that join. The certificate proves the name in it and no other.

### A node that was taken over

Root on an enrolled node has its certificate and answers what it likes. The coordinator believes no size, no text and no number of it:

| attack | what stops it |
|---|---|
${attackRows(hostileNode)}

| at most | | |
|---|---|---|
${sizeRows()}

What remains:

- It can lie about facts of its own node. The plan and the gates then rest on the lie, except where another node observes the same: connections, certificates, etcd's members.
- It can stop a run: by an error, by silence, and by \`FENCED\`, which ends the run on every node.
- Message and remedy of its errors are its own words, after \`next:\` too. **Do not type a command that only an error of one node suggests.**
- Up to those limits it can fill journals and backups of the state folder.
- On the first control plane it is cluster-admin anyway.

An agent believes its API server and its etcd as little: at most 32 MiB for an answer, 100 levels of JSON, the types that the API documents, 64 members with 16 addresses each, a snapshot of at most twice the size of the database; a redirect is not
followed, and a compressed answer is not asked for. What does not fit is \`API_SERVER_REFUSED\` or \`ETCD_REFUSED\`.
Of the container runtime it takes 4 MiB for an answer, 10,000 containers and tags of images, names and ids of printable ASCII up to 1,000 characters, eight running containers of a static pod; a call to it ends after 10 s, a pull after 15 minutes: \`CONTAINER_RUNTIME_REFUSED\`.

### Sealing key

An age key in the memory of the agent, new at each start, never stored. Its thief (root on that node) opens what is sealed to that process, while it runs: join secrets of that node for the runs of that time.

### A node's token

The file that \`quorate token node\` printed, until it expires or is used. Its thief who reaches \`quorate serve --enroll-listen\` first joins as that node: he gets its identity, and what [a node's key](#agents-certificate) gives. The machine that was meant is then refused, and told that another key used its token; \`quorate revoke NODE\` ends what the thief has. After the machine has joined the token is of no use to anybody.

### REST token

\`STATE/rest/token\`. Its thief starts and undoes conversions of enrolled nodes with cluster files of its own, through the coordinator. It gets neither keys nor backups.

### Age identity

\`STATE/backup/identity.age.key\`. Its thief reads backups that it also has: CA keys and every Secret of the cluster. With the coordinator's certificate it can fetch them from the nodes. It can call nothing.

### State folder

All of these except the agents' keys, which \`enroll\` writes into the bundle only: delete bundles after you copied them.

## Sealed secrets

The node that receives signs its sealing key and its name with the key of its certificate (\`GetSealingKey\`). The node that sends verifies the chain up to the fleet CA, the organisation \`quorate:node\`, the name and the dates before it makes anything.
Inside the seal is an envelope: sender, recipient and its key, run, purpose, and the sender's signature and certificate. The receiver verifies all of it. Coordinator and agents must have the same version; an agent that does not prove its key is named in the error.

What this does not prove: that the sender is a control plane of the cluster. Any node of the fleet can be one.

## Revoked keys

\`quorate revoke NODE\` adds the keys of a node to a numbered list that the issuer signs; \`quorate revoke coordinator\` adds the keys that the coordinator had before. Each agent keeps the newest list (\`/var/lib/quorate-agent/deny-list.*\`).

| a revoked key | what happens | error |
|---|---|---|
| makes a call, on any connection | refused before anything is read from the request; the agent records the refusal | \`IDENTITY_REVOKED\` |
| has a stream open, or follows a change | it ends at once, its connections half a second later. The change goes on: half a change is worse than a whole one | \`IDENTITY_REVOKED\` |
| has a change that waits for another one | not begun | \`IDENTITY_REVOKED\` |
| is that of a node that others seal to, or that sealed something | nothing is sealed for it, nothing that it sealed is opened | \`SEAL_UNPROVEN\` |
| is an approver's | approvals that no run has used yet do not count | \`APPROVALS_MISSING\` |
| comes to REST in a client certificate | refused from the next request on | \`NOT_AUTHENTICATED\` |
| is that of a node that the coordinator connects to | the coordinator ends the handshake, and calls nothing more on a connection that is open | \`NODE_REVOKED\` |

What remains: a node that no command has reached since does not know the list; \`quorate nodes\` shows which list each node has. Root on a node can remove its list. What a thief did before remains done. A fleet's command that was under way when another one revoked a node still reads what that node streams, until its next call. Tokens of REST have a revocation of their own, \`quorate token revoke\`.

## Pins

A pin is kept on the node, and only root on the node changes it.

| pin | set by | to clear it |
|---|---|---|
| recipient of backups | \`backupRecipient\` in \`/etc/quorate/agent.yaml\`, written by \`enroll\`; without it, the first recipient that asks. The agent logs \`pinned on first use\` | correct the key in \`agent.yaml\` and restart the agent; without that key, remove \`/var/lib/quorate-agent/pinned-backup-recipient\` |
| the cluster's CA | the first join of this machine. A reset keeps it | remove \`/var/lib/quorate-agent/pinned-cluster-ca\`, for example to use the machine in another cluster or after the cluster's CA was replaced |

To pin the recipient of a node that was enrolled before, add the line to its \`agent.yaml\` and restart the agent:

\`\`\`sh
echo "backupRecipient: $(cat STATE/backup/recipient)"
\`\`\`

## Approvals

Where the cluster file says \`policy.approvals: N\`, or \`quorate serve --approvals N\` does, a conversion, fix, drill or rollback starts when N approvers have signed its plan. An approval is a text (fleet, cluster, kind of run, plan hash, approver, time, end) with a signature of the approver's own key. It is verified under the cluster's lease, just before the run, and recorded in its journal with signature and certificate.

| attempt of an operator | what stops it |
|---|---|
| sign with the coordinator's key, or any other that is no approver's | the certificate has to be issued by the root of the fleet for the role approver: \`APPROVAL_INVALID\` |
| use a certificate that has expired, or of another fleet | the same |
| use an approval of another cluster, another kind of run or another plan, or change one | all of it is signed; a rollback's plan names its run: \`APPROVAL_INVALID\`, \`PLAN_CHANGED\` |
| use an approval a second time, or one from another run | journals say which were used: \`APPROVAL_INVALID\` |
| count one approver twice | one name and one key count once |
| approve a run of one's own | an approver with the name of the user, token or certificate that starts it does not count |
| lower the number in the cluster file, or rename the cluster | the number of the newest run of the same machines applies until a run that was approved under it |
| resume with \`--accept-changes\` what was not approved | refused: a new plan is approved and started |
| resume a run that began before approvals were required | it is held to what a new run needs: \`APPROVALS_MISSING\` |
| change budgets or ignored findings after the approval | the plan hash covers the whole cluster file where approvals are needed |

What approvals do not stop: a thief of the coordinator's key who calls agents without \`quorate\` (agents do not ask for approvals), the owner of the state folder who removes journals or changes this program, the holder of the root key, and two persons who are one: names are what tells them apart. So against the owner of the state folder approvals are a rule that leaves traces; against those who have only a token of REST they are a barrier. \`quorate backup prune\` needs none.

## What each role may call by REST

| route | roles |
|---|---|
${routeRows()}

An observer, approver or auditor may be limited to clusters: then it sees their runs and approves their plans, and plans nothing.

## What each role may do at the command line

With \`--identity DIR\` or \`QUORATE_IDENTITY\` a command calls agents with that user's own certificate. The command refuses what the role lacks before it starts, and the agents refuse it by [their own table](#what-an-observer-may-call), whatever the program is. Both refusals are recorded with the name of the user.

| command | roles |
|---|---|
${commandRows()}

A command for no role works with keys of the state folder: its owner runs it without \`--identity\`. The table binds a user who has an identity and no more; the owner of the state folder, or who can read its \`fleet/coordinator.key\`, is an operator.

## What an observer may call

An observer, and an approver, auditor or operator too.

| operation | does | to note |
|---|---|---|
${rowsOf('observer')}

None of these sends or hands out a secret in clear. The filter of \`FindReferences\` and of texts of the cluster is a list of forms: a secret that looks like none of them is shown. \`ProbeEndpoint\` sends no credentials. \`ProbeKubeconfig\` and \`ProbeKubelets\` use client certificates: the key does not leave the node in a TLS handshake, and the server is that of the node's own file.

## What an auditor may call

An operator too.

| operation | does | to note |
|---|---|---|
${rowsOf('auditor')}

## What takes an operator

\`WatchAvailability\` connects to hosts that the caller names. Where it writes, with the client certificate of \`admin.conf\`, it accepts only servers of the node's own cluster CA. \`MeasurePath\` sends zeros, to a server whose certificate the caller names by its hash.

| operation | does | to note |
|---|---|---|
${rowsOf('operator')}
`
