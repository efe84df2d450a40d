"""Lists the number formats of the cultures of mono, with which the simulator runs.

The values are those of mono 6.8's `NumberFormatInfo`. All cultures have the minus "-".
"""

from __future__ import annotations

from typing import Final

FORMATS: Final[dict[tuple[str, str, int, tuple[int, ...]], str]] = {
    (",", "\u00a0", 1, (3,)): (
        "af-ZA az-Cyrl-AZ be-BY bg-BG br-FR cs-CZ en-ZA et-EE fi-FI fr-CA fr-CD fr-CI fr-CM fr-FR "
        "fr-HT fr-MA fr-MC fr-ML fr-RE fr-SN gsw-FR hu-HU ka-GE kk-KZ ky-KG lb-LU lt-LT lv-LV "
        "nb-NO nl-BE nn-NO pl-PL pt-PT ru-MD ru-RU sah-RU se-FI se-NO se-SE sk-SK smn-FI sq-AL "
        "st-ZA sv-FI sv-SE tg-Cyrl-TJ tk-TM ts-ZA uk-UA uz-Cyrl-UZ uz-Latn-UZ xh-ZA"
    ),
    (".", ",", 1, (3,)): (
        "am-ET bo-CN cy-GB en-AU en-BZ en-CA en-GB en-HK en-IE en-JM en-MY en-NZ en-PH en-SG "
        "en-TT en-US en-ZW es-CU es-DO es-GT es-HN es-MX es-NI es-PA es-PE es-PR es-SV es-US "
        "fil-PH ga-IE gd-GB ha-Latn-NG haw-US he-IL hy-AM ig-NG ii-CN ja-JP ko-KR mn-MN ms-MY "
        "mt-MT my-MM ne-IN om-ET si-LK so-SO sw-KE th-TH ti-ER ti-ET ug-CN ur-IN ur-PK yo-NG "
        "zh-CN zh-HK zh-MO zh-SG zh-TW zu-ZA"
    ),
    (".", ",", 3, (3,)): (
        "ar-AE ar-BH ar-DZ ar-EG ar-IQ ar-JO ar-KW ar-LB ar-LY ar-MA ar-OM ar-QA ar-SA ar-SY "
        "ar-TN ar-YE"
    ),
    (".", ",", 1, (3, 2)): (
        "as-IN bn-BD bn-IN en-IN gu-IN hi-IN kn-IN kok-IN ml-IN mr-IN ne-NP or-IN ta-IN ta-LK te-IN"
    ),
    (",", ".", 1, (3,)): (
        "az-Latn-AZ bs-Cyrl-BA bs-Latn-BA ca-ES ca-ES-valencia da-DK de-AT de-DE de-LU dsb-DE "
        "el-GR es-AR es-BO es-CL es-CO es-CR es-EC es-ES es-PY es-UY es-VE eu-ES fo-FO fr-BE "
        "fr-LU fy-NL gl-ES hr-BA hsb-DE id-ID is-IS it-IT kl-GL lo-LA mk-MK ms-BN nl-NL ps-AF "
        "pt-BR ro-MD ro-RO rw-RW sl-SI sr-Cyrl-BA sr-Cyrl-ME sr-Cyrl-RS sr-Latn-BA sr-Latn-ME "
        "sr-Latn-RS tr-TR vi-VN"
    ),
    (".", "'", 1, (3,)): "de-CH de-LI it-CH",
    ("/", ",", 3, (3,)): "fa-IR",
    (".", "\u00a0", 1, (3,)): "fr-CH nso-ZA tn-BW tn-ZA",
    (",", ".", 2, (3,)): "hr-HR",
    (".", ",", 2, (3,)): "km-KH pa-Arab-PK",
    (".", "\u2019", 1, (3,)): "rm-CH",
}
"""Names of cultures by their decimal mark, their group mark, .NET's number of the pattern of a
negative number (1: "-n", 2: "- n", 3: "n-"), and the sizes of groups from the right, of which the
last one repeats."""
