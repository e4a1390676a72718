/** A change that is only tried. */
export interface TrialChange {
  readonly method: 'POST' | 'PUT' | 'PATCH'
  readonly path: string
  readonly body: unknown
  /** Impersonated: who makes such a change where it is not the admin. */
  readonly as?: { readonly user: string; readonly groups: readonly string[] }
}

/** The local API server as admin. Paths are API paths (`/api/v1/namespaces/kube-system/configmaps/kubeadm-config`). */
export interface KubeApi {
  /** The object, or undefined for 404; any other answer than 2xx is API_SERVER_REFUSED with the server's message. */
  get<T>(path: string, signal?: AbortSignal): Promise<T | undefined>
  /** What a path is answered, whatever that is: for what is passed on to another server. */
  answer(path: string, signal?: AbortSignal): Promise<{ readonly status: number; readonly message: string }>
  /** What a change would be answered: always as the server's dry run, which asks admission and stores nothing. `stored` is what it would store. */
  tryOut(
    change: TrialChange,
    signal?: AbortSignal,
  ): Promise<{ readonly status: number; readonly message: string; readonly stored: unknown }>
  create<T>(path: string, body: unknown, signal?: AbortSignal): Promise<T>
  /** PUT; with metadata.resourceVersion in the body the server refuses it when somebody was faster (DRIFT). */
  replace<T>(path: string, body: unknown, signal?: AbortSignal): Promise<T>
  patch<T>(path: string, mergePatch: unknown, signal?: AbortSignal): Promise<T>
  /** Silent for 404. */
  remove(path: string, signal?: AbortSignal): Promise<void>
}
