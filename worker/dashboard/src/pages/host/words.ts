// The words of the page of a host.

import { register } from "../../app/i18n.ts";
import en from "../../messages/en/host.json";
import zh from "../../messages/zh/host.json";

register("host", { en, zh });
