{{/*
The spec of a predictor with its detector. Call with (dict "root" $ "track" "stable" "side" .Values.stable "package" {uri, digest}).
Nothing in it depends on the weight, the revision, or on the other version: pods restart for changes of their own only.
*/}}
{{- define "timonel.predictorSpec" -}}
{{- $root := .root -}}
{{- $values := .root.Values -}}
{{- $knative := eq $values.rollout.strategy "knative" -}}
labels:
  {{- include "timonel.podLabels" (dict "root" $root "component" "predictor") | nindent 2 }}
  {{- if .track }}
  timonel.dev/track: {{ .track }}
  {{- end }}
annotations:
  timonel.dev/version: {{ .side.version | quote }}
  timonel.dev/settings: {{ include "timonel.settings" $root | sha256sum | trunc 16 }}
minReplicas: {{ int .side.replicas }}
maxReplicas: {{ ternary (int .side.replicas) (max (int .side.replicas) (int $values.autoscaling.maxReplicas)) (eq $values.autoscaling.kind "none") }}
{{- if and (eq $values.autoscaling.kind "hpa") (not $knative) }}
scaleMetric: cpu
scaleTarget: {{ int $values.autoscaling.cpu }}
{{- end }}
serviceAccountName: {{ $values.serviceAccount.predictor | default (printf "%s-predictor" $root.Release.Name) }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with $values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - {name: {{ . }}}
  {{- end }}
{{- end }}
{{- if $knative }}
timeout: {{ add (int $values.predictor.preStopSeconds) (int $values.predictor.drainSeconds) 10 }}
{{- else }}
terminationGracePeriodSeconds: {{ add (int $values.predictor.preStopSeconds) (int $values.predictor.drainSeconds) 10 }}
securityContext:
  runAsNonRoot: true
  fsGroup: 10001
  seccompProfile: {type: RuntimeDefault}
{{- with $values.predictor.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.predictor.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.predictor.topologyKeys }}
topologySpreadConstraints:
  {{- $track := $.track }}
  {{- range . }}
  - maxSkew: 1
    topologyKey: {{ . }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "timonel.selector" (dict "root" $root "component" "predictor") | nindent 8 }}
        timonel.dev/track: {{ $track }}
  {{- end }}
{{- end }}
{{- end }}
{{- if eq $values.runtime.kind "kserve" }}
logger: {mode: all, url: "http://localhost:9300/"}
model:
  modelFormat: {name: {{ $values.runtime.modelFormat }}}
  {{- with $values.runtime.runtime }}
  runtime: {{ . }}
  {{- end }}
  storageUri: {{ .package.uri | quote }}
  {{- with $values.predictor.env }}
  env:
    {{- range $name, $value := . }}
    - {name: {{ $name }}, value: {{ $value | quote }}}
    {{- end }}
  {{- end }}
  resources: {{- toYaml $values.predictor.resources | nindent 4 }}
  {{- if not $knative }}
  lifecycle: {preStop: {sleep: {seconds: {{ int $values.predictor.preStopSeconds }}}}}
  {{- end }}
containers:
{{- else }}
containers:
  {{- include "timonel.predictorContainer" . | nindent 2 }}
{{- end }}
  {{- include "timonel.detectorContainer" . | nindent 2 }}
volumes:
  - {name: settings, configMap: {name: {{ $root.Release.Name }}-settings}}
  - {name: predictor, emptyDir: {}}
  - {name: predictor-tmp, emptyDir: {}}
  - {name: detector, emptyDir: {sizeLimit: {{ $values.detector.spoolSize }}}}
  - {name: detector-tmp, emptyDir: {}}
  {{- with $values.storage.claim }}
  - {name: packages, persistentVolumeClaim: {claimName: {{ . }}, readOnly: true}}
  {{- end }}
  {{- if include "timonel.sharedLedger" $root }}
  - {name: ledger, persistentVolumeClaim: {claimName: {{ include "timonel.claim" $root }}}}
  {{- end }}
{{- end }}

{{- define "timonel.predictorContainer" -}}
{{- $root := .root -}}
{{- $values := .root.Values -}}
{{- $ready := printf "/v2/models/%s/ready" (include "timonel.model" $root) -}}
- name: kserve-container
  image: {{ include "timonel.image" (dict "root" $root "image" $values.predictor.image) }}
  imagePullPolicy: {{ $values.image.pullPolicy }}
  args:
    - --config=/etc/timonel/timonel.yaml
    - --package={{ .package.uri }}
    {{- with .package.digest }}
    - --digest={{ . }}
    {{- end }}
    - --model-version={{ .side.version }}
    - --host=0.0.0.0
    - --port=8080
    - --no-grpc
    - --log-url=http://127.0.0.1:9300/
  {{- include "timonel.environment" (dict "root" $root "env" $values.predictor.env "token" false) | nindent 2 }}
  ports:
    - {name: http1, containerPort: 8080, protocol: TCP}
  {{- if ne $values.rollout.strategy "knative" }}
  startupProbe:
    httpGet: {path: {{ $ready }}, port: 8080}
    periodSeconds: 2
    failureThreshold: 150
    timeoutSeconds: 5
  livenessProbe:
    httpGet: {path: /v2/health/live, port: 8080}
    periodSeconds: 10
    failureThreshold: 3
    timeoutSeconds: 5
  lifecycle: {preStop: {sleep: {seconds: {{ int $values.predictor.preStopSeconds }}}}}
  {{- end }}
  readinessProbe:
    httpGet: {path: {{ $ready }}, port: 8080}
    periodSeconds: 2
    failureThreshold: 3
    timeoutSeconds: 5
  resources: {{- toYaml $values.predictor.resources | nindent 4 }}
  securityContext: {{- include "timonel.securityContext" . | nindent 4 }}
  terminationMessagePolicy: FallbackToLogsOnError
  volumeMounts:
    - {name: settings, mountPath: /etc/timonel, readOnly: true}
    - {name: predictor, mountPath: /var/lib/timonel}
    - {name: predictor-tmp, mountPath: /tmp}
    {{- if $values.storage.claim }}
    - {name: packages, mountPath: /mnt/packages, readOnly: true}
    {{- end }}
{{- end }}

{{- define "timonel.detectorContainer" -}}
{{- $root := .root -}}
{{- $values := .root.Values -}}
- name: detector
  image: {{ include "timonel.image" (dict "root" $root "image" $values.detector.image) }}
  imagePullPolicy: {{ $values.image.pullPolicy }}
  args:
    - --config=/etc/timonel/timonel.yaml
    {{- with $values.reference.storageUri }}
    - --reference={{ . }}
    {{- end }}
    - --host=0.0.0.0
    - --port=9300
    - --monitor-url=http://{{ $root.Release.Name }}-monitor:9400
  {{- include "timonel.environment" (dict "root" $root "env" $values.detector.env "token" true) | nindent 2 }}
  {{- if ne $values.rollout.strategy "knative" }}
  ports:
    - {name: detector, containerPort: 9300, protocol: TCP}
  startupProbe:
    httpGet: {path: /healthz, port: 9300}
    periodSeconds: 2
    failureThreshold: 150
    timeoutSeconds: 5
  livenessProbe:
    httpGet: {path: /healthz, port: 9300}
    periodSeconds: 10
    failureThreshold: 6
    timeoutSeconds: 5
  # longer than the predictor's: its last events still find somebody
  lifecycle: {preStop: {sleep: {seconds: {{ add (int $values.predictor.preStopSeconds) 4 }}}}}
  {{- end }}
  resources: {{- toYaml $values.detector.resources | nindent 4 }}
  securityContext: {{- include "timonel.securityContext" . | nindent 4 }}
  terminationMessagePolicy: FallbackToLogsOnError
  volumeMounts:
    - {name: settings, mountPath: /etc/timonel, readOnly: true}
    - {name: detector, mountPath: /var/lib/timonel}
    - {name: detector-tmp, mountPath: /tmp}
    {{- if $values.storage.claim }}
    - {name: packages, mountPath: /mnt/packages, readOnly: true}
    {{- end }}
    {{- if include "timonel.sharedLedger" $root }}
    - {name: ledger, mountPath: /var/lib/timonel/ledger, subPath: ledger}
    {{- end }}
{{- end }}
