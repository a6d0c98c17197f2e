// Rules: the list with quiet hours, and the form of one.

import "./messages.ts";
import { t } from "../../app/i18n.ts";
import { session } from "../../app/session.ts";
import { Card, Empty, PageHeader } from "../../ui/index.ts";
import { RuleEditor } from "./editor.tsx";
import { RuleList } from "./list.tsx";
import "./rules.css";

export default function Page({ params }: { params: Record<string, string> }) {
  if (!session.value?.isAdmin) {
    return (
      <>
        <PageHeader title={t("rules.title")} />
        <Card><Empty title={t("common.admin_only")}>{t("rules.only_admins")}</Empty></Card>
      </>
    );
  }
  return params.id === undefined ? <RuleList /> : <RuleEditor key={params.id} id={params.id} />;
}
