import { formatEndpoint, joinSecretPath } from '@quorate/shared/names'
import { holds, notYet, until } from '@quorate/shared/until'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { Evidence } from '../../engine/step.js'
import type { ChangeCall } from '../../fleet/agent.js'
import type { ConversionRun } from '../context/run.js'
import { defineStep } from '../context/step.js'
import { clusterCa, endpointServer } from '../endpoint/servers.js'
import { toJoin } from '../facts/membership.js'
import { patience } from '../facts/patience.js'
import { readNodeFacts } from '../facts/read-facts.js'
import { discoversByFile } from '../joining/discovery.js'
import { recipientsOf } from '../joining/join-spec.js'

/** Longer than any join takes, much shorter than kubeadm's day. */
const tokenTtlSeconds = 3_600

export const uploadCertificates = defineStep({
  id: 'upload-certificates',
  title: 'Upload the shared certificates and create a join token',
  documented: 'Upload certs, Join token',
  gate: 'The Secret is complete, and each joiner reads cluster-info through the endpoint with a valid signature of the new token; where anonymous requests are refused, the endpoint accepts the token itself.',
  undo: 'Secret and token are deleted, also on the joiners, and the Role and RoleBinding for the Secret if this run had kubeadm create them.',
  width: 1,
  seconds: 5,
  foreseen: [
    {
      asks: 'a signature for the token',
      checks: ['bootstrap-signer', 'join-permissions', 'anonymous-auth', 'leases', 'admission'],
    },
  ],
  // A token expires, and a joiner that was reset has lost its secret.
  onResume: 'renewed',
  async plan(run) {
    if ((await toJoin(run)).length === 0) return []
    return [
      {
        id: run.first.name,
        node: run.first.name,
        does: 'upload the shared certificates under a new key, create a join token, encrypt both for the joiners',
        diffs: [],
      },
    ]
  },
  async apply(run, _action, call) {
    const joiners = await toJoin(run)
    const recipients = await recipientsOf(run, joiners)
    const { sealed } = await run
      .agent(run.first)
      .change('uploadCertificates', { recipients, tokenTtlSeconds }, call, 'upload')
    await Promise.all(
      joiners.map((node) =>
        run
          .agent(node)
          .change('placeJoinSecret', { secret: sealed.find((one) => one.node === node.name) }, call, 'place-secret'),
      ),
    )
  },
  async verify(run, _action, signal) {
    return Promise.all((await toJoin(run)).map((node) => discovers(run, node, signal)))
  },
  async rollback(run, done, call) {
    const facts = done.results.map(({ result }) => result.facts)
    const tokenId = facts.find(({ token_id }) => token_id !== undefined)?.['token_id']
    // Made by the first attempt: later ones found it there.
    const withRole = facts.some(({ made_role }) => made_role === 'yes')
    if (tokenId !== undefined)
      await run.agent(run.first).change('deleteJoinSecrets', { tokenId, withRole }, call, 'delete')
    await Promise.all(run.joining.map((node) => takeSecretAway(run, node, call)))
  },
})

/** Removes the secret that no join consumed. Decided by the file itself, not by the journal: an agent may have died after placing it and before reporting it. */
async function takeSecretAway(run: ConversionRun, node: NodeEntry, call: ChangeCall): Promise<void> {
  const { fileHashes } = await readNodeFacts(run, node)
  const expectedSha256 = fileHashes[joinSecretPath]
  if (expectedSha256 === undefined) return
  await run.agent(node).change('restoreBackup', { name: joinSecretPath, expectedSha256 }, call, 'take-secret')
}

/** What kubeadm's discovery will do: the controller-manager signs within seconds, or never (kubernetes/kubernetes#109233). */
async function discovers(run: ConversionRun, node: NodeEntry, signal: AbortSignal): Promise<Evidence> {
  const byFile = discoversByFile(await run.clusterFacts())
  const request = { endpoint: formatEndpoint(run.endpoint), caPem: await clusterCa(run), byFile }
  return until(
    `${node.name} to discover the cluster through ${request.endpoint}`,
    async () => {
      const answer = await run.agent(node).read('probeDiscovery', request, { signal })
      if (!answer.signatureValid && !answer.tokenAccepted) return notYet(answer.error || 'the signature is not valid')
      if (answer.server !== endpointServer(run)) return notYet(`cluster-info names ${answer.server}`)
      return holds({
        what: `discovery from ${node.name} through ${request.endpoint}`,
        saw: `${answer.tokenAccepted ? 'token accepted' : 'signature valid'}, server ${answer.server}`,
      })
    },
    patience(signal, 60),
  )
}
