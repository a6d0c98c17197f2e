// Adding a host.
import { t } from "../../app/i18n.ts";
import { PageHeader } from "../../ui/layout.tsx";

export default function AddPage() {
  return <PageHeader title={t("common.add_host")} />;
}
