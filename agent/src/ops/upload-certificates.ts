import { newCertificateKey } from '@quorate/shared/bootstrap-token'
import { readClusterConfiguration } from '@quorate/shared/cluster-config-map'
import type { UploadCertificatesRequest } from '@quorate/shared/gen/quorate/v1/node_agent'
import { commands } from '../host/commands.js'
import { runAsUnit } from '../host/transient-unit.js'
import { lostSecretsEvidence, makeToken } from './cluster/bootstrap-token.js'
import { certificatesRole, certificatesSecret, requireCertificatesSecret } from './cluster/certificates-secret.js'
import { initDocument } from './cluster/control-plane.js'
import { requireConfigMap } from './cluster/edit-config-map.js'
import type { Secret } from './cluster/kube-objects.js'
import { kubeadmFailed } from './cluster/kubeadm-output.js'
import { putCertificatesSecret, refusesUpload } from './cluster/put-certificates-secret.js'
import { placeOfCluster, requireRecipients, sealJoinSecret } from './cluster/seal-join-secret.js'
import { type ChangeContext, changeOperation } from './context/operation.js'
import { changed } from './context/result.js'
import { withRuntimeFolder } from './context/runtime-folder.js'
import { readExternalCaFacts } from './signed-elsewhere/requests.js'

/** What a control plane needs to join: the shared certificates under a fresh key, and a token; the key is made here and known only to the recipients. */
export const uploadCertificates = changeOperation<UploadCertificatesRequest>(
  async (request, context) => {
    const { tools, header, signal, progress } = context
    const { recipients } = request
    requireRecipients(tools, recipients)
    const kube = await tools.kube()
    const { text } = await requireConfigMap(kube, 'configmap/kube-system/kubeadm-config', signal)
    const before = await kube.get<Secret>(certificatesSecret, signal)
    const [, role] = certificatesRole
    const hadRole = (await kube.get(role, signal)) !== undefined
    const certificateKey = newCertificateKey()
    const { etcd, certificatesDir, controlPlaneEndpoint } = readClusterConfiguration(text)
    const place = await placeOfCluster(tools, controlPlaneEndpoint)
    const elsewhere = (await readExternalCaFacts(tools)).externalCas.map(({ name }) => name)
    const makesToken = () => makeToken(kube, { runId: header.runId, ttlSeconds: request.tokenTtlSeconds, signal })
    const byKubeadm = !refusesUpload(elsewhere)
    if (byKubeadm) await upload(context, text, certificateKey)
    const made = byKubeadm ? undefined : await makesToken()
    if (made !== undefined)
      await putCertificatesSecret(
        kube,
        { host: tools.host, etcd, certificatesDir, certificateKey, tokenId: made.id },
        signal,
      )
    await requireCertificatesSecret(kube, { before, etcd, certificatesDir, elsewhere }, signal)
    progress('Secret kubeadm-certs is complete, with a join token')
    const { id, token, expires } = made ?? (await makesToken())
    return changed({
      summary: `uploaded the shared certificates, made join token ${id}, valid until ${expires}`,
      facts: { token_id: id, expires, made_role: hadRole ? 'no' : 'yes' },
      sealed: await sealJoinSecret(
        tools,
        { token, certificateKey, ...place },
        { recipients, about: { purpose: 'join-secret', runId: header.runId } },
      ),
    })
  },
  { evidence: (_, context) => lostSecretsEvidence(context) },
)

async function upload({ tools, header, signal }: ChangeContext, clusterConfiguration: string, certificateKey: string) {
  const { host } = tools
  await withRuntimeFolder(host, header.operationId, async (folder) => {
    const config = `${folder}/upload-certs.yaml`
    const document = await initDocument(tools, { clusterConfiguration, certificateKey })
    await host.replace(config, Buffer.from(document), { mode: 0o600 })
    const command = commands.uploadCertificates(config)
    // Quiet: kubeadm prints the certificate key, and the journal is readable by more users than root.
    // Labelled with the time: the unit of an attempt that the agent did not survive used another key, so it must not be followed.
    const unit = { operationId: header.operationId, label: String(Date.now()), command, quiet: true }
    const { exitCode, output } = await runAsUnit({ ...unit, host, signal })
    if (exitCode !== 0)
      throw kubeadmFailed('kubeadm upload-certs', exitCode, output.replaceAll(certificateKey, '<certificate key>'))
  })
}
