import { setControlPlaneEndpoint, turnOnFeatureGate } from '@quorate/shared/cluster-config-map'
import { QuorateError } from '@quorate/shared/errors'
import { sha256Hex } from '@quorate/shared/hash'
import { withHostsBlock, withoutHostsBlock } from '@quorate/shared/hosts-file'
import { pointKubeconfigAt, readKubeconfig } from '@quorate/shared/kubeconfig'
import { renderHaproxy, renderKeepalived } from '@quorate/shared/load-balancer-config'
import { placeOf } from '@quorate/shared/load-balancer-place'
import { renderLoadBalancerUnit } from '@quorate/shared/load-balancer-unit'
import { type FixtureVersion, fixture } from '../fixtures.js'
import { type Asked, configMapText, type Kubeconfig, type PaperNode, type PaperState, place } from './state.js'

const haproxyPlace = placeOf('haproxy', {})
const keepalivedPlace = placeOf('keepalived', {})
const apiserverPath = '/etc/kubernetes/pki/apiserver.crt'

/** Does to the cluster on paper what an operation does to a real one, and returns its result. */
export function takeEffect(state: PaperState, { node, method, request }: Asked): object | undefined {
  const paper = state.nodes.get(node) as PaperNode
  const touched = (one: string) => ({ touched: [{ name: one, sha256Before: 'a', sha256After: 'b' }] })
  const effects: Record<string, (request: never) => unknown> = {
    snapshotEtcd: () => ({ facts: { sha256: 'aa', revision: '100', size_bytes: '4000' } }),
    backUpFiles: ({ includeApiObjects }: { includeApiObjects: boolean }) => ({
      facts: {
        '/etc/kubernetes/kubelet.conf': 'aa',
        ...(includeApiObjects ? { 'configmap/kube-system/kubeadm-config': 'bb' } : {}),
      },
    }),
    applyLoadBalancer: (
      wanted: Parameters<typeof renderHaproxy>[0] & {
        virtualIp: string
        virtualRouterId: number
        priority: number
        ownAddress: string
        peers: string[]
      },
    ) => {
      paper.backends = wanted.backends
      const keepalived = renderKeepalived({
        ...wanted,
        peers: wanted.peers.filter((peer) => peer !== wanted.ownAddress),
        interfaceName: 'host0',
        prefixLength: 24,
      })
      paper.facts.loadBalancerConfigs = {
        [haproxyPlace.configPath]: renderHaproxy(wanted),
        [keepalivedPlace.configPath]: keepalived,
        [haproxyPlace.unitPath ?? '']: renderLoadBalancerUnit(haproxyPlace, ''),
        [keepalivedPlace.unitPath ?? '']: renderLoadBalancerUnit(keepalivedPlace, ''),
      }
      for (const unit of paper.facts.units) unit.activeState = 'active'
      const [host] = paper.facts.interfaces
      // All BACKUP and nopreempt: who comes first keeps it.
      const held = [...state.nodes.values()].some(({ facts }) =>
        facts.interfaces.some(({ addresses }) => addresses.includes(`${wanted.virtualIp}/24`)),
      )
      if (!held) host?.addresses.push(`${wanted.virtualIp}/24`)
    },
    stopLoadBalancer: () => {
      paper.facts.loadBalancerConfigs = {}
    },
    writeHostsBlock: (block: { name: string; address: string }) => {
      paper.facts.hostsFile = withHostsBlock(paper.facts.hostsFile, block.name, block.address)
    },
    removeHostsBlock: () => {
      paper.facts.hostsFile = withoutHostsBlock(paper.facts.hostsFile)
    },
    regenerateCertificate: ({ sans }: { sans: string[] }) => {
      const own = apiserverCertificate(paper)
      own?.sans.push(...sans)
      if (own !== undefined) own.sha256 = 'new-certificate'
      state.certificate = 'new-certificate'
      return touched(apiserverPath)
    },
    updateKubeadmConfig: (wish: { controlPlaneEndpoint: string; certSans: string[] }) => {
      state.cluster.kubeadmConfig = configMapText(
        setControlPlaneEndpoint(state.cluster.kubeadmConfig?.text ?? '', wish.controlPlaneEndpoint, wish.certSans),
      )
      return touched('configmap/kube-system/kubeadm-config')
    },
    useEtcdLearners: () => {
      const text = state.cluster.kubeadmConfig?.text ?? ''
      const after = turnOnFeatureGate(text, 'EtcdLearnerMode')
      paper.facts.learnerGateBefore = { runId: 'r', text, sha256After: sha256Hex(after) }
      state.cluster.kubeadmConfig = configMapText(after)
      return touched('configmap/kube-system/kubeadm-config')
    },
    restoreLearnerGate: () => {
      const kept = paper.facts.learnerGateBefore
      paper.facts.learnerGateBefore = undefined
      if (kept === undefined) return undefined
      state.cluster.kubeadmConfig = configMapText(kept.text)
      return touched('configmap/kube-system/kubeadm-config')
    },
    updateClusterInfo: ({ server }: { server: string }) => {
      state.cluster.clusterInfo = configMapText(pointKubeconfigAt(state.cluster.clusterInfo?.text ?? '', server, place))
    },
    updateKubeProxy: ({ server }: { server: string }) => {
      state.cluster.kubeProxy = configMapText(pointKubeconfigAt(state.cluster.kubeProxy?.text ?? '', server, place))
      for (const one of state.nodes.values()) if (one.connected.has('kube-proxy')) state.connect(one, 'kube-proxy')
      return touched('configmap/kube-system/kube-proxy')
    },
    rewriteKubeconfig: ({ purpose, server }: { purpose: string; server: string }) => {
      const file = paper.kubeconfigs.find((one) => one.purpose === purpose) as Kubeconfig
      file.text = pointKubeconfigAt(file.text, server, place)
      return touched(file.path)
    },
    restartKubelet: () => {
      state.connect(paper, 'kubelet')
      state.clock += 1
      for (const unit of paper.facts.units) if (unit.name === 'kubelet') unit.activeSinceUnixMs = state.clock
      for (const object of state.cluster.nodes) if (object.name === node) object.leaseRenewedUnixMs = state.clock + 1
    },
    restartStaticPod: ({ component }: { component: string }) =>
      paper.containers.set(component, (paper.containers.get(component) ?? 0) + 1),
    createJoinToken: ({ recipients }: { recipients: { node: string }[] }) => makeToken(state, recipients),
    uploadCertificates: ({ recipients }: { recipients: { node: string }[] }) => makeToken(state, recipients),
    deleteJoinSecrets: ({ tokenId }: { tokenId: string }) => {
      state.cluster.joinTokenIds = state.cluster.joinTokenIds.filter((id) => id !== tokenId)
    },
    joinControlPlane: () => join(state, paper),
    removeEtcdMember: ({ memberId }: { memberId: string }) => {
      state.members = state.members.filter(({ id }) => id !== memberId)
    },
    deleteNode: ({ name: gone }: { name: string }) => {
      state.cluster.nodes = state.cluster.nodes.filter((object) => object.name !== gone)
    },
    stopPart: () => ({ facts: { stopped: 'kubelet', stopped_at: String(Date.now()) } }),
    spreadCoreDns: ({ onlyLeaving }: { onlyLeaving: boolean }) => {
      state.cluster.pods = state.cluster.pods.filter(({ app }) => app !== 'kube-dns-leaving')
      const [pod] = state.cluster.pods.filter(({ app }) => app === 'kube-dns')
      const node = state.cluster.nodes.find(({ name, ready }) => ready && name !== pod?.node)
      if (!onlyLeaving && pod !== undefined) Object.assign(pod, { name: `${pod.name}-moved`, node: node?.name ?? '' })
    },
  }
  const result = (effects[method] ?? (() => undefined))(request as never)
  return typeof result === 'object' && result !== null ? result : undefined
}

function makeToken(state: PaperState, recipients: readonly { node: string }[]) {
  const id = `tok${state.asked.length}`.padEnd(6, '0')
  state.cluster.joinTokenIds.push(id)
  return {
    facts: { token_id: id },
    sealed: recipients.map(({ node }) => ({ node, ciphertext: Buffer.from('sealed') })),
  }
}

/** What kubeadm of that version leaves on a control plane that joined. */
function join(state: PaperState, paper: PaperNode): void {
  if (!state.cluster.kubeadmConfig?.text.includes('controlPlaneEndpoint'))
    throw new QuorateError('COMMAND_FAILED', "a cluster that doesn't have a stable controlPlaneEndpoint address")
  const discovered = readKubeconfig(state.cluster.clusterInfo?.text ?? '', place).server
  const local = `https://${paper.entry.address}:6443`
  const version = state.cluster.kubernetesVersion as FixtureVersion
  const server = (purpose: string) =>
    purpose === 'admin'
      ? 'https://apiserver.example.com:8443'
      : purpose === 'kubelet' && version === 'v1.30.4'
        ? discovered
        : local
  const text = (purpose: string) =>
    pointKubeconfigAt(fixture(version, `before/${purpose}.conf`), server(purpose), place)
  state.makeControlPlane(paper, ['admin', 'controller-manager', 'scheduler', 'kubelet'], text)
  apiserverCertificate(paper)?.sans.push('apiserver.example.com', '192.168.13.100')
  state.enter(paper)
}

const apiserverCertificate = ({ facts }: PaperNode) => facts.certificates.find(({ path }) => path === apiserverPath)
