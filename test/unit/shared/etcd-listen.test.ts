import { letEtcdListen, listensAt } from '@quorate/shared/etcd-listen'
import { readStaticPod } from '@quorate/shared/static-pod'
import { filePlace } from '@quorate/shared/text-place'
import fc from 'fast-check'
import t from 'tap'
import { fixture } from '../../support/fixtures.js'

const place = filePlace('/etc/kubernetes/manifests/etcd.yaml')

const address = '192.168.13.30'
const manifest = fixture('v1.37.2', 'before/manifests/etcd.yaml')

t.test('what kubeadm makes today is left byte for byte', async (t) => {
  t.equal(
    letEtcdListen(manifest, readStaticPod(manifest, place).flags['advertise-client-urls']?.slice(8, -5) ?? '', place),
    manifest,
  )
})

t.test('every kind of loopback is opened, nothing else is changed, and it is done once', async (t) => {
  const own = readStaticPod(manifest, place).flags['advertise-client-urls']?.slice(8, -5) ?? ''
  for (const host of ['127.0.0.1', 'localhost', '[::1]']) {
    const shut = manifest.replace(`,https://${own}:2379`, '').replaceAll(`https://${own}`, `https://${host}`)
    t.not(shut, manifest)
    const opened = letEtcdListen(shut, own, place)
    t.equal(opened, manifest, host)
    t.equal(letEtcdListen(opened, own, place), opened)
  }
})

t.test('a manifest of kubeadm 1.12: no flags for members, no annotation', async (t) => {
  const old = `apiVersion: v1
kind: Pod
metadata:
  labels: {component: etcd}
  name: etcd
spec:
  containers:
  - command:
    - etcd
    - --advertise-client-urls=https://127.0.0.1:2379
    - --data-dir=/var/lib/etcd
    - --listen-client-urls=https://127.0.0.1:2379
    name: etcd
`
  const opened = letEtcdListen(old, address, place)
  const { flags, annotations } = readStaticPod(opened, place)
  t.match(flags, {
    'listen-client-urls': 'https://127.0.0.1:2379,https://192.168.13.30:2379',
    'listen-peer-urls': 'https://192.168.13.30:2380',
    'advertise-client-urls': 'https://192.168.13.30:2379',
    'initial-advertise-peer-urls': 'https://192.168.13.30:2380',
    'data-dir': '/var/lib/etcd',
  })
  t.equal(annotations['kubeadm.kubernetes.io/etcd.advertise-client-urls'], 'https://192.168.13.30:2379')
})

t.test('IPv6, and an etcd that listens everywhere', async (t) => {
  t.ok(listensAt('https://[fd00::30]:2379', 'fd00::30'))
  t.ok(listensAt('https://0.0.0.0:2379', address))
  t.notOk(listensAt('https://127.0.0.1:2379,https://192.168.13.3:2379', address))
})

t.test('flags in a form of their own are refused, not guessed', async (t) => {
  const apart = manifest.replace(/- --listen-client-urls=(\S+)/, '- --listen-client-urls\n    - https://127.0.0.1:2379')
  t.throws(() => letEtcdListen(apart, address, place), {
    code: 'MANIFEST_INVALID',
    remedy: /vi \/etc\/kubernetes\/manifests\/etcd\.yaml, and write --listen-client-urls=/,
  })
})

t.test('any text: opened or refused, never half changed', async (t) => {
  fc.assert(
    fc.property(fc.string(), fc.nat(manifest.length), (text, at) => {
      const damaged = manifest.slice(0, at) + text + manifest.slice(at)
      try {
        const opened = letEtcdListen(damaged, address, place)
        return letEtcdListen(opened, address, place) === opened
      } catch (error) {
        return (error as { code?: string }).code === 'MANIFEST_INVALID'
      }
    }),
  )
  t.pass()
})
