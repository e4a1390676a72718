import { toJoin } from '../facts/membership.js'
import { readEtcdAuthentication } from '../facts/read-facts.js'
import type { Check } from './check.js'

const id = 'etcd-authentication'

/**
 * With authentication a client is the user named by the common name of its certificate. A snapshot, and adding or promoting a member, need the role root
 * (etcd, server/etcdserver/apply_auth.go; tried with 3.5.15): kubeadm joins with pki/etcd/healthcheck-client, which no one makes a user by himself.
 */
export const etcdAuthentication: Check = {
  id,
  title: 'If etcd authentication is enabled, kubeadm and the agents have the role root',
  async check(run) {
    if ((await toJoin(run)).length === 0) return []
    const { authentication, clientName } = await readEtcdAuthentication(run)
    if (authentication === '' || authentication === 'off') return []
    if (authentication === 'root')
      return [
        {
          id,
          severity: 'info',
          message: 'etcd has authentication enabled, and the client of kubeadm and the agents has the role root',
          evidence: `AuthStatus as ${clientName}: enabled`,
          remedy: 'Nothing to do.',
        },
      ]
    return [
      {
        id,
        severity: 'error',
        node: run.first.name,
        message: `etcd has authentication enabled, and the user ${clientName} of kubeadm and the agents lacks the role root: etcd would refuse the snapshot and the new members`,
        evidence: `AuthStatus as ${clientName}: ${authentication}`,
        remedy: `As a user with the role root (docs/runbook.md#etcd says how to call etcdctl; add --user root): etcdctl user add ${clientName} --no-password; etcdctl user grant-role ${clientName} root. If only the role is missing, the first command says that the user exists.`,
      },
    ]
  },
}
