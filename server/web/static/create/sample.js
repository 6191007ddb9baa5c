// A small drawn sample of a style: always the same hills and sun, in the colours and the manner that its name tells of.

import { drawing } from "../element.js";

// Words of a style's name, and the sky, sun, far and near hill that they stand for. The first that fits counts.
const COLOURS = [
  [/noir|monochrome|charcoal|ink|pencil|line ?art|sketch|black|silhouette|litho|engrav|etch|woodcut|lino/, "#f1efe9 #3a3835 #a9a59c #2b2a28"],
  [/neon|cyber|vapor|synth|retrowave|disco|glitch|tron|hologra/, "#251547 #ff5fa8 #6a35c9 #17d9e3"],
  [/gothic|horror|dark|night|grunge|dystop|doom|vampire|macabre|haunt/, "#20202b #c8c3a6 #3b3848 #15151b"],
  [/space|alien|nebula|galax|cosmic|astro|futur|sci-?fi|starship|planet/, "#12183d #f2c06b #45408f #1d2a63"],
  [/pastel|kawaii|cute|fairy|dream|cotton|soft|candy|bubble/, "#ffe6ef #ffd98a #c3e6d6 #b8cff2"],
  [/water|ocean|sea|ice|frost|winter|glass|crystal/, "#e2f2f7 #f8e6a8 #8fc3d6 #3e86a6"],
  [/gold|baroque|renaissance|rococo|klimt|opulent|luxur|royal|byzant/, "#f3e2b8 #c9932b #8d6a2f #4b3418"],
  [/retro|vintage|70s|80s|60s|western|sepia|old|film|kodak|polaroid|daguerre|antique/, "#f2ddb5 #d9733f #a8854f #5f5a3c"],
  [/forest|nature|garden|botan|green|solar|eco|moss|flora/, "#e5f0d8 #f5cf5d #7fae62 #3d6b45"],
  [/fire|lava|warm|sunset|autumn|steampunk|desert|clay|terracotta|rust/, "#f8d2a5 #e4572e #b5673c #6b3a26"],
  [/pop|comic|fauv|bright|graffiti|cartoon|game|toy|memphis|mosaic|stained/, "#ffe14d #f0433a #26a3dd #1d4fa0"],
  [/photo|hdr|cinema|real|food|fashion|advert|real estate|food|car|portrait/, "#cfe0ea #f5e7bd #7f9aa0 #3c5058"],
];

const MANNERS = [
  [/pixel|8-?bit|minecraft|game|retro game|arcade|voxel|lego|cross.?stitch|mosaic/, "blocks"],
  [/paper|origami|kirigami|quill|collage|papercut|felt|applique/, "layers"],
  [/line|ink|sketch|pencil|engrav|etch|woodcut|lino|charcoal|doodle|chalk|graphic/, "lines"],
  [/poly|cubis|isometric|constructiv|geometr|abstract|futuris|bauhaus|deco|suprem/, "facets"],
  [/dot|pointill|halftone|pop|comic|print|riso|screen/, "dots"],
  [/cinema|film|noir|photo|anamorphic|hdr/, "bars"],
];

export function sample(name) {
  const [sky, sun, far, near] = colours(name);
  const spin = hash(name);
  const manner = MANNERS.find(([words]) => words.test(name.toLowerCase()))?.[1] ?? "plain";
  const x = 14 + (spin % 36);
  const low = 12 + ((spin >> 6) % 8);
  return drawing(
    "svg",
    { class: `sample ${manner}`, viewBox: "0 0 64 44", preserveAspectRatio: "xMidYMid slice", "aria-hidden": "true" },
    drawing("rect", { width: 64, height: 44, fill: sky }),
    ...(DRAWN[manner] ?? DRAWN.plain)({ x, low, sun, far, near, sky }),
  );
}

const DRAWN = {
  plain: ({ x, low, sun, far, near }) => [
    drawing("circle", { cx: x, cy: low, r: 7, fill: sun }),
    drawing("path", { d: "M0 30Q16 16 34 27T64 22V44H0z", fill: far }),
    drawing("path", { d: "M0 36Q20 26 40 36T64 34V44H0z", fill: near }),
  ],
  blocks: ({ x, low, sun, far, near }) => {
    const at = x - (x % 4);
    return [
      drawing("path", { d: `M${at - 4} ${low - 8}h8v4h4v8h-4v4h-8v-4h-4v-8h4z`, fill: sun }),
      drawing("path", { d: "M0 28h8v-4h12v-4h8v4h12v4h8v-4h16v20H0z", fill: far }),
      drawing("path", { d: "M0 36h12v-4h16v4h16v-4h12v4h8v8H0z", fill: near }),
    ];
  },
  layers: (told) => [
    drawing("path", { d: "M0 22Q18 12 36 20T64 14V44H0z", fill: told.far, opacity: 0.45 }),
    ...DRAWN.plain(told),
    drawing("path", { d: "M0 41Q24 33 64 41V44H0z", fill: told.sun, opacity: 0.85 }),
  ],
  lines: ({ x, low, far, near }) => [
    drawing("g", { fill: "none", stroke: near, "stroke-width": 1.3 },
      drawing("circle", { cx: x, cy: low, r: 7 }),
      drawing("path", { d: "M0 30Q16 16 34 27T64 22M0 36Q20 26 40 36T64 34" }),
      drawing("path", { d: "M4 44l8-9M12 44l8-9M20 44l8-8M28 44l8-7M36 44l8-7M44 44l8-8M52 44l8-8", stroke: far })),
  ],
  facets: ({ x, low, sun, far, near }) => [
    drawing("path", { d: `M${x} ${low - 8}l8 8-8 8-8-8z`, fill: sun }),
    drawing("path", { d: "M0 32 20 14 38 44H0z", fill: far }),
    drawing("path", { d: "M20 14 38 44H22z", fill: near, opacity: 0.5 }),
    drawing("path", { d: "M26 44 48 22 64 36v8z", fill: near }),
  ],
  dots: (told) => [
    ...DRAWN.plain(told),
    ...Array.from({ length: 24 }, (_, i) =>
      drawing("circle", { cx: 4 + (i % 8) * 8, cy: 5 + Math.floor(i / 8) * 5, r: 1.2, fill: told.far, opacity: 0.7 })),
  ],
  bars: (told) => [
    ...DRAWN.plain(told),
    drawing("path", { d: "M0 0h64v5H0zM0 39h64v5H0z", fill: "#14130f" }),
  ],
};

function colours(name) {
  const words = name.toLowerCase();
  const found = COLOURS.find(([known]) => known.test(words));
  if (found) return found[1].split(" ");
  const hue = hash(name) % 360;
  return [`hsl(${hue} 45% 88%)`, `hsl(${(hue + 40) % 360} 75% 62%)`, `hsl(${(hue + 300) % 360} 30% 55%)`, `hsl(${(hue + 270) % 360} 35% 35%)`];
}

function hash(text) {
  let sum = 7;
  for (const letter of text) sum = (sum * 31 + letter.codePointAt(0)) % 65521;
  return sum;
}
