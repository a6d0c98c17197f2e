// Probes: the list, one with its delays, and the form.

import en from "../../messages/en/probes.json";
import zh from "../../messages/zh/probes.json";
import { register } from "../../app/i18n.ts";
import { location } from "../../app/router.ts";
import { ProbeDetail } from "./detail.tsx";
import { ProbeEditor } from "./editor.tsx";
import { ProbeList } from "./list.tsx";
import "../rules/rules.css";
import "./probes.css";

register("probes", { en, zh });

export default function Page({ params }: { params: Record<string, string> }) {
  if (params.id === undefined) return <ProbeList />;
  if (params.id === "new" || location.value.query.has("edit")) return <ProbeEditor key={`${params.id} edit`} id={params.id} />;
  return <ProbeDetail key={params.id} id={params.id} />;
}
