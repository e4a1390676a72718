import { QuorateError } from './errors.js'
import { bracketed, serverUrl } from './names.js'
import { readStaticPod } from './static-pod.js'
import type { TextPlace } from './text-place.js'

/** kubeadm of a joiner finds etcd by this annotation of etcd's pod (app/util/etcd/etcd.go, getRawEtcdEndpointsFromPodAnnotation). */
const advertised = 'kubeadm.kubernetes.io/etcd.advertise-client-urls'

/** A URL at which a node reaches only itself. */
export const isLoopback = (url: string): boolean => /^https?:\/\/(127\.0\.0\.1|localhost|\[::1\])(:|\/|$)/.test(url)
const everywhere = /^https:\/\/(0\.0\.0\.0|\[::\]):/

/** URL by which the other members meet the etcd of a node. */
export const etcdPeerUrl = (address: string): string => serverUrl({ host: address, port: 2380 })
const clientUrl = (address: string): string => serverUrl({ host: address, port: 2379 })

/** Whether an etcd that listens there is met at this address of its node. */
export const listensAt = (urls: string, address: string): boolean =>
  urls.split(',').some((url) => everywhere.test(url.trim()) || url.trim().includes(`//${bracketed(address)}:`))

/**
 * etcd's manifest, listening for others as kubeadm makes it (app/phases/etcd/local.go): clients on loopback and on the node's address, members on
 * the node's address; what it advertises follows. Line by line, so that nothing else changes; the same text where all is so already.
 * MANIFEST_INVALID where the result does not say so, as with flags that are written in a way of their own.
 */
export function letEtcdListen(manifest: string, address: string, place: TextPlace): string {
  const { flags, annotations } = readStaticPod(manifest, place)
  const listed = (name: string): readonly string[] => (flags[name] ?? '').split(',').filter((url) => url !== '')
  const [peer, client] = [etcdPeerUrl(address), clientUrl(address)]
  const clients = listed('listen-client-urls')
  const peers = listed('listen-peer-urls')
  const forOthers = (urls: readonly string[], url: string): string => {
    const kept = urls.filter((one) => !isLoopback(one))
    return kept.length > 0 ? kept.join(',') : url
  }
  const own = /^[^=]+=https?:\/\/(127\.0\.0\.1|localhost|\[::1\]):\d+$/
  const initial = listed('initial-cluster').map((one) => (own.test(one) ? `${one.split('=', 1)[0]}=${peer}` : one))
  const wanted: Readonly<Record<string, string>> = {
    'listen-client-urls': listensAt(clients.join(','), address) ? clients.join(',') : [...clients, client].join(','),
    'listen-peer-urls': listensAt(peers.join(','), address)
      ? peers.join(',')
      : [...peers.filter((one) => !isLoopback(one)), peer].join(','),
    'advertise-client-urls': forOthers(listed('advertise-client-urls'), client),
    'initial-advertise-peer-urls': forOthers(listed('initial-advertise-peer-urls'), peer),
    ...(initial.length === 0 ? {} : { 'initial-cluster': initial.join(',') }),
  }
  const different = Object.entries(wanted).filter(([name, value]) => flags[name] !== value)
  const withFlags = different.reduce((text, [name, value]) => setFlag(text, name, value), manifest)
  const note = annotations[advertised]
  const text =
    note === wanted['advertise-client-urls'] || different.length === 0
      ? withFlags
      : setNote(withFlags, wanted['advertise-client-urls'] ?? client)
  const result = readStaticPod(text, place)
  const wrong = Object.entries(wanted).find(([name, value]) => result.flags[name] !== value)
  if (wrong === undefined) return text
  throw new QuorateError(
    'MANIFEST_INVALID',
    `--${wrong[0]} of the etcd manifest has a format that Quorate cannot parse`,
    {
      remedy: `${place.edit}, and write --${wrong[0]}=${wrong[1]}`,
    },
  )
}

function setFlag(text: string, name: string, value: string): string {
  const present = new RegExp(`^( *- )(["']?)--${name}=[^\\n]*$`, 'm')
  if (present.test(text))
    return text.replace(present, (_, indent: string, quote: string) => `${indent}${quote}--${name}=${value}${quote}`)
  return text.replace(/^( *- )--[^\n]*$/m, (line, indent: string) => `${line}\n${indent}--${name}=${value}`)
}

function setNote(text: string, value: string): string {
  const line = `${advertised}: ${value}`
  const present = new RegExp(`^( *)${advertised.replaceAll('.', '\\.')}:[^\\n]*$`, 'm')
  if (present.test(text)) return text.replace(present, `$1${line}`)
  const annotations = /^( *)annotations:[^\n]*$/m
  if (annotations.test(text)) return text.replace(annotations, (head, indent: string) => `${head}\n${indent}  ${line}`)
  return text.replace(/^metadata:[^\n]*$/m, (head) => `${head}\n  annotations:\n    ${line}`)
}
