import { readFileSync } from 'node:fs'
import { type KubeVipInput, renderKubeVip, virtualIpOf } from '@quorate/shared/kube-vip-manifest'
import { isQuorateConfig } from '@quorate/shared/load-balancer-config'
import { readStaticPod } from '@quorate/shared/static-pod'
import { filePlace } from '@quorate/shared/text-place'
import t from 'tap'
import { parse } from 'yaml'

const place = filePlace('/etc/kubernetes/manifests/etcd.yaml')

const golden = (name: string): string =>
  readFileSync(new URL(`../../fixtures/load-balancer/${name}`, import.meta.url), 'utf8')

const byArp: KubeVipInput = {
  virtualIp: '192.168.13.100',
  image: 'example.com/kube-vip/kube-vip:v0.8.9',
  apiServer: { address: '192.168.13.30', port: 6443 },
  interfaceName: 'eth0',
}
const bgp = {
  as: 65000,
  routerId: '192.168.13.30',
  peers: [
    { address: '192.168.13.1', as: 65001 },
    { address: 'fd00::1', as: 65002 },
  ],
}

interface Pod {
  spec: { containers: { env: { name: string; value?: string }[]; volumeMounts: object[] }[]; volumes: object[] }
}

const env = (text: string): Record<string, string | undefined> =>
  Object.fromEntries(((parse(text) as Pod).spec.containers[0]?.env ?? []).map(({ name, value }) => [name, value]))

t.test('golden files', async (t) => {
  t.equal(renderKubeVip(byArp), golden('kube-vip-arp.yaml'))
  t.equal(renderKubeVip({ ...byArp, bgp }), golden('kube-vip-bgp.yaml'))
})

t.test('what must be so whatever is asked for', async (t) => {
  for (const input of [byArp, { ...byArp, bgp }]) {
    const text = renderKubeVip(input)
    t.ok(isQuorateConfig(text))
    t.match(readStaticPod(text, place), { component: 'kube-vip', image: byArp.image })
    t.match(env(text), {
      cp_enable: 'true',
      svc_enable: 'false',
      vip_leaderelection: 'true',
      vip_leasename: 'plndr-cp-lock',
    })
    t.match(env(text), { kubernetes_addr: '192.168.13.30:6443' }, 'never through the address that it gives')
    t.same((parse(text) as Pod).spec.volumes, [
      { name: 'kubeconfig', hostPath: { path: '/etc/kubernetes/kube-vip.conf', type: 'File' } },
    ])
    t.equal(virtualIpOf(text), byArp.virtualIp)
  }
  t.match(env(renderKubeVip(byArp)), { vip_arp: 'true', vip_interface: 'eth0', bgp_enable: undefined })
  t.match(env(renderKubeVip({ ...byArp, bgp })), {
    vip_arp: 'false',
    vip_interface: 'lo',
    bgp_peers: '192.168.13.1:65001::false,[fd00::1]:65002::false',
  })
})

t.test('IPv6', async (t) => {
  const text = renderKubeVip({ ...byArp, virtualIp: 'fd00::100', apiServer: { address: 'fd00::30', port: 6443 } })
  t.match(env(text), { vip_subnet: '128', kubernetes_addr: '[fd00::30]:6443' })
  t.equal(virtualIpOf(text), 'fd00::100')
})

t.test('nothing that could be another setting gets in', async (t) => {
  const bad = { code: 'INVALID_REQUEST' }
  for (const change of [
    { virtualIp: 'apiserver' },
    { image: 'x\n  hostPID: true' },
    { image: '' },
    { interfaceName: 'eth0"' },
    { apiServer: { address: '192.168.13.30', port: 0 } },
    { apiServer: { address: 'localhost', port: 6443 } },
    { bgp: { ...bgp, peers: [] } },
    { bgp: { ...bgp, as: 0 } },
    { bgp: { ...bgp, routerId: 'fd00::1' } },
    { bgp: { ...bgp, peers: [{ address: '192.168.13.1,192.168.13.2', as: 65001 }] } },
    { bgp: { ...bgp, peers: [{ address: '192.168.13.1', as: 4_294_967_296 }] } },
  ])
    t.throws(() => renderKubeVip({ ...byArp, ...change }), bad, JSON.stringify(change))
})
