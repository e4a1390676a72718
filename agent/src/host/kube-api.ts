/** The local API server as admin. Paths are API paths (`/api/v1/namespaces/kube-system/configmaps/kubeadm-config`). */
export interface KubeApi {
  /** The object, or undefined for 404; any other answer than 2xx is API_SERVER_REFUSED with the server's message. */
  get<T>(path: string, signal?: AbortSignal): Promise<T | undefined>
  /** What a path is answered, whatever that is: for what is passed on to another server. */
  answer(path: string, signal?: AbortSignal): Promise<{ readonly status: number; readonly message: string }>
  create<T>(path: string, body: unknown, signal?: AbortSignal): Promise<T>
  /** PUT; with metadata.resourceVersion in the body the server refuses it when somebody was faster (DRIFT). */
  replace<T>(path: string, body: unknown, signal?: AbortSignal): Promise<T>
  patch<T>(path: string, mergePatch: unknown, signal?: AbortSignal): Promise<T>
  /** Silent for 404. */
  remove(path: string, signal?: AbortSignal): Promise<void>
}
