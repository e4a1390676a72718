import { readFileSync } from 'node:fs'
import { access } from '../agent/src/server/access.js'
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
function rowsOf(role: 'observer' | 'operator'): string {
  const purpose = purposes()
  return Object.entries(NodeAgentServiceService)
    .filter(([, { path }]) => access[path] === role)
    .map(([name]) => {
      const notes = [secrets[name as Name], runs[name as Name]].filter((note) => note !== undefined)
      return `| \`${upper(name)}\` | ${purpose.get(upper(name)) ?? ''} | ${notes.join('; ')} |`
    })
    .join('\n')
}

/** Text of docs/threat-model.md: who can do what with which key; the operations are those of the access table. */
export const threatModelPage = (): string => `# Threat model

Who can do what, role by role and key by key, and what stops the rest. Where secrets are and what to do after a theft: [security](security.md).

Generated from the code (\`npm run docs\`); the tables of operations are the access table and the comments of the proto.

## Roles

| role | has | can | cannot |
|---|---|---|---|
| observer | a client certificate with \`quorate:observer\` (no command issues one yet) | call the operations [below](#what-an-observer-may-call): read facts, ConfigMaps and manifests, from which a filter removes private keys, tokens and passwords as far as it recognizes them; let a node connect to an address and report what answers | change a node, get a backup, have a token sent anywhere |
| operator | a client certificate with \`quorate:operator\`: the coordinator's | call every operation. [Its thief is root](#coordinators-certificate-alone) on every node that becomes a control plane, and can break every node | read backups or join secrets with it alone, place files of its own, join a machine to a cluster that no agent of the fleet belongs to |
| agent | a certificate with \`quorate:node\`, for its name | prove its sealing key, seal for other nodes, open what was sealed to it | call any operation of another agent |
| local user of a node | an account, no root | write the kubeconfig in the home folder, which the agent reads and rewrites as root: [users on the nodes](security.md#users-on-the-nodes) | read \`/etc/quorate\`, \`/var/lib/quorate-agent\` or \`/run/quorate-agent\` |
| a machine without a certificate | a connection to port 7445 | hold up to 32 connections, 5 s each | complete a TLS handshake, call anything |
| REST client | the token of \`quorate serve\` | plan, start, resume and roll back runs; read reports | call agents, read the state folder, get a backup |

## Keys

### Fleet CA

\`STATE/fleet/ca.key\`. Its thief issues certificates of any role and any node, and lists of [revoked keys](#revoked-keys). That is everything below together: root on every node, join secrets, cluster-admin of every cluster that joins a control plane from then on.
It does not decrypt backups: these need the age identity. It cannot be revoked: [replace the fleet](security.md#replace-a-fleet).

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
| lock the operator out, or undo its revocation | lists of revoked keys are signed by the fleet CA, and their number only rises: \`DENY_LIST_REFUSED\` |
| join a machine to a foreign cluster | no agent of the fleet seals a secret for it; after the first join the CA is pinned: \`PINNED_TO_ANOTHER\` |

What remains, and why the key is to be kept as the private key of the cluster's CA is kept:

- It can reset control planes that a run joined, remove etcd members, stop parts of a control plane, and so take the cluster down.
- It decides the image repository, the arguments and the volumes of new control planes, and the image of kube-vip. **That is root on these nodes and, from there, cluster-admin.** The nodes pull and run what it names.
- It can point names, kubeconfigs and load balancers at another address. Clients that verify the cluster's CA fail rather than talk to it; a user's kubeconfig with a token and \`insecure-skip-tls-verify\` does not.
- It can move secrets between nodes of the fleet that exist: with root on one enrolled node *and* this certificate a thief gets the join secrets and, through them, the cluster's CA keys.
- On a node without a pin (enrolled before pins existed, no backup read yet) the first recipient that asks is pinned: see [pins](#pins).

### Agent's certificate

\`/etc/quorate/node.key\`. Its thief can call no operation. With the node's address as well it can impersonate this agent: report wrong facts, and receive the join secrets when this node joins. Together with the coordinator's certificate it can also
seal: place shared files, kubeadm's patches among them, on nodes that join. The certificate proves the name in it and no other.

### Sealing key

An age key in the memory of the agent, new at each start, never stored. Its thief (root on that node) opens what is sealed to that process, while it runs: join secrets of that node for the runs of that time.

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

\`quorate revoke NODE\` adds the keys of a node to a numbered list that the fleet CA signs; \`quorate revoke coordinator\` adds the keys that the coordinator had before. Each agent keeps the newest list (\`/var/lib/quorate-agent/deny-list.*\`).

| a revoked key | what happens | error |
|---|---|---|
| makes a call, on any connection | refused before anything is read from the request; the agent records the refusal | \`IDENTITY_REVOKED\` |
| has a stream open, or follows a change | it ends at once, its connections half a second later. The change goes on: half a change is worse than a whole one | \`IDENTITY_REVOKED\` |
| has a change that waits for another one | not begun | \`IDENTITY_REVOKED\` |
| is that of a node that others seal to, or that sealed something | nothing is sealed for it, nothing that it sealed is opened | \`SEAL_UNPROVEN\` |
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

## What an observer may call

| operation | does | to note |
|---|---|---|
${rowsOf('observer')}

None of these sends or hands out a secret in clear. The filter of \`FindReferences\` and of texts of the cluster is a list of forms: a secret that looks like none of them is shown. \`ProbeEndpoint\` sends no credentials. \`ProbeKubeconfig\` and \`ProbeKubelets\` use client certificates: the key does not leave the node in a TLS handshake, and the server is that of the node's own file.

## What takes an operator

\`WatchAvailability\` connects to hosts that the caller names. Where it writes, with the client certificate of \`admin.conf\`, it accepts only servers of the node's own cluster CA. \`MeasurePath\` sends zeros, to a server whose certificate the caller names by its hash.

| operation | does | to note |
|---|---|---|
${rowsOf('operator')}
`
