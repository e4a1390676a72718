import { randomBytes } from 'node:crypto'
import { publicKeyPin } from './certificates.js'
import { credentialsOf } from './kube-client.js'
import { adminClient } from './kubeadm-config.js'
import type { Kubeadm } from './kubeadm-run.js'

const base64 = (text: string): string => Buffer.from(text).toString('base64')

/** `kubeadm token create --print-join-command`: the endpoint that it prints is the server of admin.conf, whatever cluster-info says. */
export async function tokenCreate(run: Kubeadm): Promise<void> {
  const { node } = run.machine
  const { server, ca = '' } = credentialsOf(node, node.must('/etc/kubernetes/admin.conf'))
  const [id, secret] = [randomBytes(3).toString('hex'), randomBytes(8).toString('hex')]
  const client = adminClient(run, server)
  try {
    const { status, body } = await client.request('POST', '/api/v1/namespaces/kube-system/secrets', {
      metadata: { name: `bootstrap-token-${id}` },
      type: 'bootstrap.kubernetes.io/token',
      data: {
        'auth-extra-groups': base64('system:bootstrappers:kubeadm:default-node-token'),
        expiration: base64(new Date(Date.now() + 24 * 3_600_000).toISOString().replace(/\.\d+Z$/, 'Z')),
        'token-id': base64(id),
        'token-secret': base64(secret),
        'usage-bootstrap-authentication': base64('true'),
        'usage-bootstrap-signing': base64('true'),
      },
    })
    if (status !== 201) throw new Error((body as { message?: string }).message ?? `the server answered ${status}`)
  } finally {
    client.close()
  }
  const { host } = new URL(server)
  run.print(`kubeadm join ${host} --token ${id}.${secret} --discovery-token-ca-cert-hash ${publicKeyPin(ca)}`)
}
