import type { NodeAgentServiceService } from '@quorate/shared/gen/quorate/v1/node_agent'
import type { OperationHeader } from '@quorate/shared/gen/quorate/v1/operation'
import type { ChangeOperation, ReadOperation, StreamOperation } from './context/operation.js'

export type Methods = typeof NodeAgentServiceService
export type MethodName = keyof Methods
export type RequestOf<Name extends MethodName> = ReturnType<Methods[Name]['requestDeserialize']>
export type ResponseOf<Name extends MethodName> = ReturnType<Methods[Name]['responseDeserialize']>

/** The kind of an operation, from the .proto: it changes if its request has a header, otherwise it answers once or streams. */
type OperationOf<Name extends MethodName> =
  RequestOf<Name> extends { header?: OperationHeader | undefined }
    ? 'header' extends keyof RequestOf<Name>
      ? ChangeOperation<RequestOf<Name>>
      : ReadOrStream<Name>
    : ReadOrStream<Name>

type ReadOrStream<Name extends MethodName> = Methods[Name]['responseStream'] extends true
  ? StreamOperation<RequestOf<Name>, ResponseOf<Name>>
  : ReadOperation<RequestOf<Name>, ResponseOf<Name>>

/** One operation for each RPC. The server itself implements GetOperation, ExamineOperation, RaiseFence and ListCalls: they concern its own records. */
export type Operations = {
  readonly [Name in Exclude<
    MethodName,
    'getOperation' | 'examineOperation' | 'raiseFence' | 'listCalls'
  >]: OperationOf<Name>
}
