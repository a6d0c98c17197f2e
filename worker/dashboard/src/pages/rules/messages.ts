// The words of rules, which parts of other pages use too.

import en from "../../messages/en/rules.json";
import zh from "../../messages/zh/rules.json";
import { register } from "../../app/i18n.ts";

register("rules", { en, zh });
