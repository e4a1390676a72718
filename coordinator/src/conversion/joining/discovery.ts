import type { ClusterFacts } from '@quorate/shared/gen/quorate/v1/facts'

/** Whether joiners must discover the cluster with a file that has their token in it: discovery by token reads cluster-info without credentials (kubeadm#1436). */
export const discoversByFile = ({ clusterInfoRefused }: ClusterFacts): boolean => clusterInfoRefused
