import { readFileSync } from 'node:fs'
import { requestProblems } from '@quorate/shared/asked-certificate'
import { leafCertificates, leafNamed } from '@quorate/shared/kubeadm-certificates'
import t from 'tap'
import { type CertificateWish, certificateRequest, newKey } from '../../../lab/simulated/certificates.js'

const real = (name: string): string => readFileSync(new URL(`../../fixtures/requests/${name}`, import.meta.url), 'utf8')

const configuration = (version: string, rest = ''): string =>
  `apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\nkubernetesVersion: ${version}\ncontrolPlaneEndpoint: api.example.com:8443\n${rest}`
const basis = {
  clusterConfiguration: configuration('v1.37.2', 'apiServer:\n  certSANs: [10.0.0.9, "not a name"]\n'),
  nodeName: 'cp2',
  advertiseAddress: '10.0.0.5',
}
const problems = (name: string, csr: string, of: Partial<typeof basis> = {}): readonly string[] => {
  const leaf = leafNamed(name)
  if (leaf === undefined) throw new Error(name)
  return requestProblems(csr, leaf, { ...basis, ...of })
}

t.test('requests of real kubeadm are what was asked for', async (t) => {
  t.same(problems('apiserver', real('apiserver.csr')), [])
  t.same(problems('admin.conf', real('admin.conf.csr')), [])
  t.same(problems('apiserver', real('apiserver.csr'), { advertiseAddress: '10.0.0.6' }), [
    'it lacks 10.0.0.6',
    'it asks for 10.0.0.5',
  ])
})

t.test('more power or other names than the node’s own are told, of every certificate', async (t) => {
  const key = await newKey()
  const said = (name: string, wish: Omit<CertificateWish, 'usage'>, of = {}): readonly string[] =>
    problems(name, certificateRequest({ ...wish, usage: 'client' }, key), of)
  for (const { name } of leafCertificates)
    t.match(said(name, { commonName: 'evil' }).join(), /^its CN is evil, not /, name)
  const own = { commonName: 'system:node:cp2', organizations: ['system:nodes'] }
  t.same(said('kubelet.conf', own), [])
  t.same(said('kubelet.conf', { ...own, commonName: 'system:node:cp1' }), [
    'its CN is system:node:cp1, not system:node:cp2',
  ])
  t.same(said('kubelet.conf', { ...own, organizations: ['system:nodes', 'system:masters'] }), [
    'it asks for O=system:masters',
  ])
  const master = { commonName: 'kubernetes-admin', organizations: ['system:masters'] }
  t.same(said('admin.conf', master), ['it asks for O=system:masters'])
  t.same(said('admin.conf', master, { clusterConfiguration: configuration('v1.28.15') }), [])
  const member = { commonName: 'cp2', dnsNames: ['cp2', 'localhost'], ipAddresses: ['10.0.0.5', '127.0.0.1', '::1'] }
  t.same(said('etcd-server', member), [])
  t.same(said('etcd-peer', { ...member, dnsNames: ['cp1', 'localhost'] }), ['it lacks cp2', 'it asks for cp1'])
  const added = { clusterConfiguration: configuration('v1.37.2', 'etcd: {local: {peerCertSANs: [e.example.com]}}\n') }
  t.same(said('etcd-peer', member, added), ['it lacks e.example.com'])
  t.same(said('etcd-server', member, added), [])
})
