// The frame of a page that stands alone, before anybody is logged in.

import type { ComponentChildren } from "preact";

import { chooseLanguage, language } from "../../app/i18n.ts";
import { LogoIcon } from "../../ui/icons.tsx";

export function Alone({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <div class="login-page">
      <p class="login-brand"><LogoIcon /><span>Edgewatch</span></p>
      <div class="login-card">
        <h1>{title}</h1>
        {children}
      </div>
      <p class="login-foot">
        <button type="button" lang="en" aria-pressed={language.value === "en"} onClick={() => chooseLanguage("en")}>English</button>
        <button type="button" lang="zh-CN" aria-pressed={language.value === "zh"} onClick={() => chooseLanguage("zh")}>中文</button>
      </p>
    </div>
  );
}
