import { parseCoordinator } from '@quorate/agent/host/join-arguments'
import { readPlanDocument } from '@quorate/coordinator/cli/plan-document'
import { makeStyle, printable } from '@quorate/coordinator/cli/render/style'
import { parseClusterFile } from '@quorate/coordinator/config/parse-cluster-file'
import { taintOf } from '@quorate/coordinator/conversion/facts/node-registration'
import { boundBy } from '@quorate/coordinator/conversion/facts/operators-own'
import { parseLook, partsOf } from '@quorate/coordinator/deploy/node-look'
import { sshProblem } from '@quorate/coordinator/deploy/ssh-problems'
import { readExecCredential } from '@quorate/coordinator/discover/exec-credential'
import { machinesOf, readInventory } from '@quorate/coordinator/discover/inventory'
import { readIniInventory } from '@quorate/coordinator/discover/inventory-ini'
import { readYamlInventory } from '@quorate/coordinator/discover/inventory-yaml'
import { parseAccess } from '@quorate/coordinator/discover/kubeconfig-access'
import { explainLine } from '@quorate/coordinator/failures/explanations'
import { saidByNode } from '@quorate/coordinator/fleet/allowance'
import { parseSignedApproval } from '@quorate/coordinator/state/approvals'
import { fileRules, loadedProfiles } from '@quorate/shared/apparmor'
import { parseApproval, signingKey } from '@quorate/shared/approval'
import { requestProblems } from '@quorate/shared/asked-certificate'
import { readCertificateRequest } from '@quorate/shared/certificate-request'
import { extraArgs, readClusterConfiguration, setControlPlaneEndpoint } from '@quorate/shared/cluster-config-map'
import { readComponentConfig, withoutHeaders } from '@quorate/shared/component-config'
import { unifiedDiff } from '@quorate/shared/diff'
import { letEtcdListen } from '@quorate/shared/etcd-listen'
import { certificatesIn } from '@quorate/shared/fleet-chain'
import { outsideHostsBlock, withHostsBlock, withoutHostsBlock } from '@quorate/shared/hosts-file'
import { objectIn, parseInstallAnswer, parseInstallJob } from '@quorate/shared/install-job'
import { virtualIpOf } from '@quorate/shared/kube-vip-manifest'
import { leafNamed } from '@quorate/shared/kubeadm-certificates'
import { kubeconfigClusters, pointKubeconfigAt, readKubeconfig } from '@quorate/shared/kubeconfig'
import { commandWords, splitUnitFiles } from '@quorate/shared/kubelet-command'
import { parseVersion } from '@quorate/shared/kubernetes-version'
import { maskBy, maskedWords } from '@quorate/shared/mask'
import { parseNodeToken } from '@quorate/shared/node-token'
import { readOsRelease } from '@quorate/shared/os-release'
import { readOtherStaticPod } from '@quorate/shared/other-static-pod'
import { heldByDnf, packagesInDpkgStatus, unattendedByApt, unattendedByDnf } from '@quorate/shared/package-holds'
import { isSignedBy, readCertificate, readCertificates } from '@quorate/shared/pki'
import { redact } from '@quorate/shared/redact'
import { redactKubeconfig } from '@quorate/shared/redact-kubeconfig'
import { skewOf } from '@quorate/shared/release'
import { readStaticPod } from '@quorate/shared/static-pod'
import { readStaticPodDetails } from '@quorate/shared/static-pod-details'
import { filePlace } from '@quorate/shared/text-place'
import { openTrustBundle, trustNumber } from '@quorate/shared/trust-bundle'
import { documentBody, readYaml } from '@quorate/shared/yaml-text'
import { parseAgentConfig } from '../../agent/src/config.js'
import { runtimeFlags } from '../../agent/src/host/cri-socket.js'
import { dnsProblem } from '../../agent/src/host/dns-question.js'
import { saidByServer } from '../../agent/src/host/grpc-call.js'
import type { Host } from '../../agent/src/host/host.js'
import { readHttpAnswer } from '../../agent/src/host/http-answer.js'
import { parseSystemdTime } from '../../agent/src/host/unit-state.js'
import { lastLines, preflightFindings } from '../../agent/src/ops/cluster/kubeadm-output.js'
import { matchingLines, wholeWords } from '../../agent/src/ops/cluster/matching-lines.js'
import { isForeign, maskSecrets } from '../../agent/src/ops/facts/foreign-config.js'
import { readKubeletFlags } from '../../agent/src/ops/facts/kubelet-flags.js'
import { readForeignConfigs } from '../../agent/src/ops/facts/load-balancer-configs.js'
import { readProxies } from '../../agent/src/ops/facts/proxies.js'
import { readRuntime } from '../../agent/src/ops/facts/runtime.js'
import { parseEstablished, parseListening } from '../../agent/src/ops/network/sockets.js'
import { shutBy } from '../../coordinator/src/conversion/facts/firewall-rules.js'

const place = filePlace('/a')
const mask = maskBy(Buffer.from('key'))
const words = wholeWords(Array.from({ length: 1000 }, (_, index) => `k8s${index}.example.com`))
const traffic = { from: ['10.0.0.1'], ports: [6443], vrrp: true, interfaceName: 'eth0' }

const leaf = leafNamed('apiserver')
const basis = {
  clusterConfiguration: 'apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\nkubernetesVersion: v1.37.2\n',
  nodeName: 'cp1',
  advertiseAddress: '10.0.0.1',
}

/** A node all of whose files, and the output of all of whose programs, is the text. */
const nodeOf = (text: string): Host =>
  ({
    read: async () => ({ bytes: Buffer.from(text), mode: 0o644, uid: 0, gid: 0 }),
    list: async () => [],
    run: async () => ({ exitCode: 0, stdout: text, stderr: '' }),
  }) as unknown as Host

/** Every reader of texts that others write: of users, nodes, programs and the cluster. What it throws is an answer too. */
export const parsersOfForeignTexts: Readonly<Record<string, (text: string) => unknown>> = {
  readYaml: (text) => readYaml(text, 'CONFIG_MAP_INVALID', place),
  documentBody,
  parseClusterFile: (text) => parseClusterFile(text, 'a'),
  readKubeconfig: (text) => readKubeconfig(text, place),
  parseAccess: (text) => parseAccess(text, 'a'),
  readExecCredential,
  readInventory: (text) => machinesOf(readInventory(text, 'a'), { path: 'a', asked: [] }),
  readIniInventory: (text) => readIniInventory(text, 'a').hostsIn('kube_control_plane'),
  readYamlInventory: (text) => readYamlInventory(text, 'a').hostsIn('kube_control_plane'),
  kubeconfigClusters: (text) => kubeconfigClusters(text, place),
  pointKubeconfigAt: (text) => pointKubeconfigAt(text, 'https://a:1', place),
  redactKubeconfig,
  readClusterConfiguration,
  setControlPlaneEndpoint: (text) => setControlPlaneEndpoint(text, 'a:1', ['a']),
  extraArgs,
  readStaticPod: (text) => readStaticPod(text, place),
  readStaticPodDetails: (text) => readStaticPodDetails(text, 'etcd', { mask, place }),
  readOtherStaticPod: (text) => readOtherStaticPod(text, place),
  letEtcdListen: (text) => letEtcdListen(text, '10.0.0.1', place),
  readComponentConfig: (text) => withoutHeaders(readComponentConfig(text, 'KubeletConfiguration', place)),
  redact,
  unifiedDiff: (text) => unifiedDiff('a', text, [...text].reverse().join('')),
  matchingLines: (text) => matchingLines(text, words),
  withHostsBlock: (text) => [withHostsBlock(text, 'a', '10.0.0.1'), withoutHostsBlock(text)],
  outsideHostsBlock,
  readOsRelease,
  virtualIpOf,
  commandWords: (text) => [
    commandWords(splitUnitFiles(text), () => text),
    commandWords([{ path: 'a', text }], () => text),
  ],
  maskedWords: (text) => maskedWords(mask, [text, ...text.split(/\s/)]),
  packagesInDpkgStatus,
  heldByDnf: (text) => heldByDnf('kubeadm', { versionlock: [text], configurations: [text] }),
  unattended: (text) => [unattendedByApt([text]), unattendedByDnf(['dnf-automatic.timer'], text)],
  readCertificates,
  readCertificate,
  certificatesIn: (text) => certificatesIn(text),
  trustBundle: (text) => [trustNumber(text), openTrustBundle(text, '', 0)],
  isSignedBy: (text) => isSignedBy(text, text),
  readCertificateRequest,
  requestProblems: (text) => leaf && requestProblems(text, leaf, basis),
  parseAgentConfig: (text) => parseAgentConfig(text, '/etc/quorate/agent.yaml'),
  apparmor: (text) => [loadedProfiles(text), fileRules(text)],
  dnsProblem: (text) => dnsProblem(Buffer.from(text), 1),
  nodeToken: (text) => parseNodeToken(text, 'join.token'),
  parseCoordinator,
  objectIn,
  skewOf: (text) => skewOf(text),
  deployed: (text) => [parseLook(text), partsOf(text), parseInstallAnswer(text), parseInstallJob(text)],
  sshProblem: (text) => sshProblem({ exitCode: 1, stdout: '', stderr: text }, { node: 'a', ssh: 'a' }),
  parseSystemdTime,
  parseVersion,
  words: (text) => [boundBy(text), boundBy(`bind ${text}`), taintOf(text)],
  printable,
  readHttpAnswer: (text) => [
    readHttpAnswer(Buffer.from(text)),
    readHttpAnswer(Buffer.from(`HTTP/1.1 500 a\r\n\r\n${text}`)),
  ],
  preflightFindings: (text) => [preflightFindings(text, 1), lastLines(text)],
  readKubeletFlags: (text) => readKubeletFlags(nodeOf(text)),
  runtimeFlags,
  readProxies: (text) => readProxies(nodeOf(text)),
  readRuntime: (text) => readRuntime(nodeOf(text), '/run/containerd/containerd.sock'),
  maskSecrets: (text) => [isForeign(text), maskSecrets(text)],
  readForeignConfigs: (text) => readForeignConfigs(nodeOf(text)),
  sockets: (text) => [parseListening(text), parseEstablished(text)],
  firewalld: (text) => shutBy({ ufwActive: false, ufwFiles: {}, firewalldZones: text } as never, traffic),
  ufw: (text) =>
    shutBy(
      {
        ufwActive: true,
        ufwFiles: { '/etc/default/ufw': text, '/etc/ufw/user.rules': text, '/etc/ufw/before.rules': text },
        firewalldZones: '',
      } as never,
      traffic,
    ),
  saidByNode,
  saidByServer,
  parseApproval,
  parseSignedApproval: (text) => parseSignedApproval(text, '/a'),
  signingKey,
  readPlanDocument: (text) => readPlanDocument(text, '/a', makeStyle(false)),
  explainLine: (text) => [explainLine(text), explainLine(text.replaceAll('\n', ' '))],
}
