import { apiPort } from './api-port.js'
import { crio } from './crio.js'
import { etcdLocalhost } from './etcd-localhost.js'
import { externalCa } from './external-ca.js'
import { externalEtcd } from './external-etcd.js'
import { extraSans } from './extra-sans.js'
import { flannel } from './flannel.js'
import { hostNames } from './host-names.js'
import { kubekey } from './kubekey.js'
import { kubespray } from './kubespray.js'
import { loadBalancerHosts } from './load-balancer-hosts.js'
import { nftables } from './nftables.js'
import { noAnonymous } from './no-anonymous.js'
import { operatorMachine } from './operator-machine.js'
import type { Piece } from './piece.js'
import { noDns, silentDns } from './resolv-conf.js'
import { secondNetwork } from './second-network.js'
import { sharedFiles } from './shared-files.js'
import { spareMachines } from './spare-machines.js'

/** By their names in `--with` and in a lab's settings. */
export const pieces = {
  'api-port': apiPort,
  crio,
  'etcd-localhost': etcdLocalhost,
  'external-ca': externalCa,
  'external-etcd': externalEtcd,
  'extra-sans': extraSans,
  flannel,
  'host-names': hostNames,
  kubekey,
  kubespray,
  'load-balancer-hosts': loadBalancerHosts,
  nftables,
  'no-anonymous': noAnonymous,
  'no-dns': noDns,
  'operator-machine': operatorMachine,
  'second-network': secondNetwork,
  'shared-files': sharedFiles,
  'silent-dns': silentDns,
  'spare-machines': spareMachines,
} as const satisfies Readonly<Record<string, Piece>>

export type PieceName = keyof typeof pieces
