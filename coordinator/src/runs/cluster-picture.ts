import type { Snapshot } from '../engine/snapshot.js'

/** A component of the cluster and the API server that it was connected to. */
export interface Connection {
  readonly node: string
  /** `kubelet`, `kube-proxy`, `controller-manager`, `scheduler`. */
  readonly component: string
  /** `endpoint`, or the name of the control plane whose own API server it is. */
  readonly to: string
}

export interface PicturedMember {
  /** Hexadecimal, as etcdctl prints it. */
  readonly id: string
  /** Empty when it never started. */
  readonly name: string
  readonly peerUrl: string
  readonly learner: boolean
  readonly leader: boolean
  /** Empty when it does not answer. */
  readonly version: string
}

export interface PicturedCertificate {
  readonly node: string
  readonly path: string
  readonly subject: string
  readonly serial: string
  readonly sans: readonly string[]
  /** Unix milliseconds. */
  readonly notAfter: number
  readonly ca: boolean
}

/** The cluster at one moment, for the operator to compare. No decision depends on it. */
export interface ClusterPicture {
  readonly connections: readonly Connection[]
  readonly members: readonly PicturedMember[]
  readonly certificates: readonly PicturedCertificate[]
  /** Control planes that are backends in the configuration of Quorate's own load balancer. */
  readonly backends: readonly string[]
  /** Nodes whose connections could not be read. */
  readonly silent: readonly string[]
}

/** A picture as the journal keeps it: only `takePicture` writes one. */
export const pictureIn = (snapshot: Snapshot | undefined): ClusterPicture | undefined =>
  snapshot as ClusterPicture | undefined
