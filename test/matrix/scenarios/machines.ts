import type { Suite } from '../../../lab/real/machines/rootfs.js'
import { convertsReal } from '../real-assertions.js'
import type { Scenario } from '../scenario.js'

/** The systemd, containerd, haproxy and keepalived of each are other ones than those of the lab's other trials. */
const debians: readonly { readonly suite: Suite; readonly number: number }[] = [
  { suite: 'trixie', number: 13 },
  { suite: 'bullseye', number: 11 },
]

export const otherDebians: readonly Scenario[] = debians.map(({ suite, number }) => ({
  id: `debian-${suite}`,
  title: `machines with Debian ${number}`,
  group: 'nodes',
  outcome: 'converted',
  note: 'Its systemd, containerd, haproxy and keepalived are tried; all other trials on real nodes are on Debian 12.',
  real: {
    versions: ['v1.37.2', 'v1.33.5'],
    try: (t, version) => convertsReal(t, version, { debian: suite, undone: true }),
  },
}))

export const silentDns: Scenario = {
  id: 'silent-dns',
  title: 'a DNS server in every resolv.conf that never answers',
  group: 'nodes',
  outcome: 'converted',
  note: 'haproxy and keepalived look up their own host names when they start, and wait 10 s each: the steps that start them wait for what they serve.',
  real: {
    versions: ['v1.37.2'],
    try: (t, version) => convertsReal(t, version, { with: ['silent-dns'], undone: true }),
  },
}

export const crio: Scenario = {
  id: 'crio',
  title: 'CRI-O instead of containerd',
  group: 'nodes',
  outcome: 'converted',
  note: 'Its socket is found by what the kubelet was told; images, joins and resets go through it.',
  real: {
    versions: ['v1.37.2'],
    try: (t, version) => convertsReal(t, version, { with: ['crio'], undone: true }),
  },
}
