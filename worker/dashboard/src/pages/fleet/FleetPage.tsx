// The fleet.
import { t } from "../../app/i18n.ts";
import { hosts } from "../../live/store.ts";
import { PageHeader } from "../../ui/layout.tsx";

export default function FleetPage() {
  return <><PageHeader title={t("fleet.title")} /><ul>{[...hosts.value.values()].map((host) => <li key={host.id}><a href={`/ui/hosts/${host.id}`}>{host.name}</a></li>)}</ul></>;
}
