{{- define "timonel.model" -}}
{{- ((.Values.settings).model).name | default .Release.Name -}}
{{- end }}

{{- define "timonel.host" -}}
{{- .Values.host | default (printf "%s-%s.example.com" .Release.Name .Release.Namespace) -}}
{{- end }}

{{/* What selects the objects of a component; call with (dict "root" $ "component" "monitor"). */}}
{{- define "timonel.selector" -}}
app.kubernetes.io/name: timonel
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{/* Labels of pods: nothing in them changes with a weight or a revision. */}}
{{- define "timonel.podLabels" -}}
{{ include "timonel.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: timonel
timonel.dev/model: {{ include "timonel.model" .root }}
{{- end }}

{{- define "timonel.labels" -}}
{{ include "timonel.podLabels" . }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
{{- end }}

{{/* An image's name; call with (dict "root" $ "image" .Values.predictor.image). */}}
{{- define "timonel.image" -}}
{{- $tag := printf ":%s" (.image.tag | default .root.Chart.AppVersion) -}}
{{- $name := printf "%s%s" .image.repository (ternary $tag (printf "@%s" .image.digest) (empty .image.digest)) -}}
{{- with .root.Values.image.registry }}{{ trimSuffix "/" . }}/{{ end }}{{ $name -}}
{{- end }}

{{/* Container level, which Knative allows too. */}}
{{- define "timonel.securityContext" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{/* How to reach packages and ledger; call with (dict "root" $ "env" .Values.predictor.env "token" true). */}}
{{- define "timonel.environment" -}}
env:
  - {name: POD_NAMESPACE, value: {{ .root.Release.Namespace }}}
  {{- if .token }}
  - name: TIMONEL_TOKEN
    valueFrom: {secretKeyRef: {name: {{ include "timonel.tokenSecret" .root }}, key: token}}
  {{- end }}
  {{- range $name, $value := merge (deepCopy .env) .root.Values.storage.env }}
  - {name: {{ $name }}, value: {{ $value | quote }}}
  {{- end }}
{{- with .root.Values.storage.secret }}
envFrom:
  - secretRef: {name: {{ . }}}
{{- end }}
{{- end }}

{{- define "timonel.tokenSecret" -}}
{{- .Values.token.existingSecret | default (printf "%s-token" .Release.Name) -}}
{{- end }}

{{- define "timonel.claim" -}}
{{- .Values.monitor.storage.existingClaim | default (printf "%s-monitor" .Release.Name) -}}
{{- end }}

{{/* "true" where detectors write to the ledger on the monitor's volume. */}}
{{- define "timonel.sharedLedger" -}}
{{- if and (eq .Values.monitor.ledger.type "pvc") (eq .Values.monitor.storage.accessMode "ReadWriteMany") }}true{{ end -}}
{{- end }}

{{/* timonel.yaml: the model's settings, with what the chart decides put over them. */}}
{{- define "timonel.settings" -}}
{{- $ledger := .Values.monitor.ledger -}}
{{- $predictions := or (eq $ledger.type "s3") (eq (include "timonel.sharedLedger" .) "true") -}}
{{- $storage := dict "directory" "/var/lib/timonel" -}}
{{- if ne $ledger.type "none" }}{{ $_ := set $storage "ledger" ($ledger.uri | default "/var/lib/timonel/ledger") }}{{ end -}}
{{- $serving := dict "drain_seconds" (int .Values.predictor.drainSeconds) -}}
{{- $detector := dict "ledger" $predictions -}}
{{- $monitor := dict "ledger" (ne $ledger.type "none") -}}
{{- $decided := dict "model" (dict "name" (include "timonel.model" .)) "storage" $storage "serving" $serving "monitoring" (dict "detector" $detector "monitor" $monitor) -}}
{{- $own := dict "data" (dict "source" "none") -}}
{{- mergeOverwrite $own (deepCopy .Values.settings) $decided | toYaml -}}
{{- end }}

{{- define "timonel.stablePackage" -}}
{{- dict "uri" .Values.stable.storageUri "digest" .Values.stable.digest | toJson -}}
{{- end }}

{{/* The canary's package is its own, or that of stable. */}}
{{- define "timonel.canaryPackage" -}}
{{- if .Values.canary.storageUri -}}
{{- dict "uri" .Values.canary.storageUri "digest" .Values.canary.digest | toJson -}}
{{- else -}}
{{- dict "uri" .Values.stable.storageUri "digest" (.Values.canary.digest | default .Values.stable.digest) | toJson -}}
{{- end -}}
{{- end }}

{{/* Which version serves how much: what the monitor writes into its record of decisions. */}}
{{- define "timonel.serving" -}}
{{- $canary := .Values.canary -}}
{{- $packages := dict "stable" (include "timonel.stablePackage" . | fromJson) "canary" nil -}}
{{- if $canary.enabled }}{{ $_ := set $packages "canary" (include "timonel.canaryPackage" . | fromJson) }}{{ end -}}
{{- $serving := dict "stable" .Values.stable.version "canary" (ternary $canary.version nil $canary.enabled) -}}
{{- $serving = merge $serving (dict "weight" (int .Values.rollout.weight) "strategy" .Values.rollout.strategy) -}}
{{- $serving = merge $serving (dict "revision" .Release.Revision "chart" .Chart.Version "package" $packages) -}}
{{- $serving | toJson -}}
{{- end }}

{{- define "timonel.fromNamespaces" }}
{{- range . }}
- namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: {{ . }}}}
{{- end }}
{{- end }}

{{- define "timonel.egress" }}
- ports:
    - {protocol: UDP, port: 53}
    - {protocol: TCP, port: 53}
{{- with .Values.networkPolicy.storagePorts }}
- ports:
    {{- range . }}
    - {protocol: TCP, port: {{ int . }}}
    {{- end }}
{{- end }}
{{- end }}

{{- define "timonel.operatorLabels" }}
{{- include "timonel.labels" (dict "root" . "component" "metrics") }}
{{- with .Values.metrics.labels }}
{{ toYaml . }}
{{- end }}
{{- end }}
