import type { Scenario } from './scenario.js'
import { anonymousAuthOff, anonymousHealth, anonymousProbes } from './scenarios/anonymous-auth.js'
import { endpointBefore, endpointReplaced, joinedByHand } from './scenarios/endpoint-before.js'
import { etcdExternal } from './scenarios/etcd-external.js'
import { etcdExternalSingle } from './scenarios/etcd-external-single.js'
import { etcdLocalhost } from './scenarios/etcd-localhost.js'
import { etcdStranger } from './scenarios/etcd-stranger.js'
import { externalCa, externalCas } from './scenarios/external-ca.js'
import { fiveControlPlanes, threeToFive } from './scenarios/five-control-planes.js'
import { flannel } from './scenarios/flannel.js'
import { foldersElsewhere } from './scenarios/folders-elsewhere.js'
import { installers } from './scenarios/installers.js'
import { dualStack, ipv6 } from './scenarios/ip-families.js'
import { itStaysSo } from './scenarios/it-stays-so.js'
import { kubeProxyModes } from './scenarios/kube-proxy.js'
import { kubeletCertificate } from './scenarios/kubelet-certificate.js'
import { lbHosts } from './scenarios/lb-hosts.js'
import { lbKubeVip, lbKubeVipBgp } from './scenarios/lb-kube-vip.js'
import { lbNodeLocal } from './scenarios/lb-node-local.js'
import { lbServiceForced, lbServiceNodePort } from './scenarios/lb-service.js'
import { strayManifest, stuckLearner } from './scenarios/left-behind.js'
import { crio, otherDebians, silentDns } from './scenarios/machines.js'
import { networkPlugins } from './scenarios/network-plugins.js'
import { handMadeNames, otherApiPort, otherNodeNames } from './scenarios/networks.js'
import { editedManifest, sharedFiles } from './scenarios/shared-files.js'
import { missingImages, proxiedEndpoint, proxiedOthers } from './scenarios/shut-in.js'
import { textbook } from './scenarios/textbook.js'
import { strangeLink, userKubeconfigs } from './scenarios/user-kubeconfigs.js'
import { versionTooOld } from './scenarios/version-too-old.js'
import { versions } from './scenarios/versions.js'
import { workersJoinLate } from './scenarios/worker-joins-late.js'

/** Every kind of cluster that is tried, in the order of the page. */
export const scenarios: readonly Scenario[] = [
  textbook,
  lbHosts,
  lbNodeLocal,
  lbServiceNodePort,
  lbServiceForced,
  etcdStranger,
  versions,
  versionTooOld,
  etcdExternal,
  etcdExternalSingle,
  fiveControlPlanes,
  threeToFive,
  endpointBefore,
  endpointReplaced,
  joinedByHand,
  stuckLearner,
  strayManifest,
  ...kubeProxyModes,
  ...networkPlugins,
  flannel,
  lbKubeVip,
  lbKubeVipBgp,
  ...workersJoinLate,
  missingImages,
  proxiedEndpoint,
  proxiedOthers,
  anonymousAuthOff,
  anonymousHealth,
  anonymousProbes,
  otherApiPort,
  ipv6,
  dualStack,
  otherNodeNames,
  sharedFiles,
  handMadeNames,
  userKubeconfigs,
  strangeLink,
  itStaysSo,
  editedManifest,
  kubeletCertificate,
  etcdLocalhost,
  externalCa,
  externalCas,
  ...otherDebians,
  silentDns,
  crio,
  foldersElsewhere,
  ...installers,
]
