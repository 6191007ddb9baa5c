"""The templates that come with Gesso, each worth its name, and a user's own beside them."""

import itertools
import json
import re
from collections import Counter
from random import Random

import pytest

from masking.errors import InvalidValue
from pipelines import styles

NAMES = """
Fooocus V2; Random Style; Fooocus Enhance; Fooocus Semi Realistic; Fooocus Sharp; Fooocus Masterpiece; Fooocus
Photograph; Fooocus Negative; Fooocus Cinematic; Fooocus Pony; SAI 3D Model; SAI Analog Film; SAI Anime; SAI
Cinematic; SAI Comic Book; SAI Craft Clay; SAI Digital Art; SAI Enhance; SAI Fantasy Art; SAI Isometric; SAI Line Art;
SAI Lowpoly; SAI Neonpunk; SAI Origami; SAI Photographic; SAI Pixel Art; SAI Texture; MRE Cinematic Dynamic; MRE
Spontaneous Picture; MRE Artistic Vision; MRE Dark Dream; MRE Gloomy Art; MRE Bad Dream; MRE Underground; MRE Surreal
Painting; MRE Dynamic Illustration; MRE Undead Art; MRE Elemental Art; MRE Space Art; MRE Ancient Illustration; MRE
Brave Art; MRE Heroic Fantasy; MRE Dark Cyberpunk; MRE Lyrical Geometry; MRE Sumi E Symbolic; MRE Sumi E Detailed; MRE
Manga; MRE Anime; MRE Comic; Ads Advertising; Ads Automotive; Ads Corporate; Ads Fashion Editorial; Ads Food
Photography; Ads Gourmet Food Photography; Ads Luxury; Ads Real Estate; Ads Retail; Artstyle Abstract; Artstyle
Abstract Expressionism; Artstyle Art Deco; Artstyle Art Nouveau; Artstyle Constructivist; Artstyle Cubist; Artstyle
Expressionist; Artstyle Graffiti; Artstyle Hyperrealism; Artstyle Impressionist; Artstyle Pointillism; Artstyle Pop
Art; Artstyle Psychedelic; Artstyle Renaissance; Artstyle Steampunk; Artstyle Surrealist; Artstyle Typography;
Artstyle Watercolor; Futuristic Biomechanical; Futuristic Biomechanical Cyberpunk; Futuristic Cybernetic; Futuristic
Cybernetic Robot; Futuristic Cyberpunk Cityscape; Futuristic Futuristic; Futuristic Retro Cyberpunk; Futuristic Retro
Futurism; Futuristic Sci Fi; Futuristic Vaporwave; Game Bubble Bobble; Game Cyberpunk Game; Game Fighting Game; Game
Gta; Game Mario; Game Minecraft; Game Pokemon; Game Retro Arcade; Game Retro Game; Game Rpg Fantasy Game; Game
Strategy Game; Game Streetfighter; Game Zelda; Misc Architectural; Misc Disco; Misc Dreamscape; Misc Dystopian; Misc
Fairy Tale; Misc Gothic; Misc Grunge; Misc Horror; Misc Kawaii; Misc Lovecraftian; Misc Macabre; Misc Manga; Misc
Metropolis; Misc Minimalist; Misc Monochrome; Misc Nautical; Misc Space; Misc Stained Glass; Misc Techwear Fashion;
Misc Tribal; Misc Zentangle; Papercraft Collage; Papercraft Flat Papercut; Papercraft Kirigami; Papercraft Paper
Mache; Papercraft Paper Quilling; Papercraft Papercut Collage; Papercraft Papercut Shadow Box; Papercraft Stacked
Papercut; Papercraft Thick Layered Papercut; Photo Alien; Photo Film Noir; Photo Glamour; Photo Hdr; Photo Iphone
Photographic; Photo Long Exposure; Photo Neon Noir; Photo Silhouette; Photo Tilt Shift; Cinematic Diva; Abstract
Expressionism; Academia; Action Figure; Adorable 3D Character; Adorable Kawaii; Art Deco; Art Nouveau; Astral Aura;
Avant Garde; Baroque; Bauhaus Style Poster; Blueprint Schematic Drawing; Caricature; Cel Shaded Art; Character Design
Sheet; Classicism Art; Color Field Painting; Colored Pencil Art; Conceptual Art; Constructivism; Cubism; Dadaism; Dark
Fantasy; Dark Moody Atmosphere; Dmt Art Style; Doodle Art; Double Exposure; Dripping Paint Splatter Art;
Expressionism; Faded Polaroid Photo; Fauvism; Flat 2d Art; Fortnite Art Style; Futurism; Glitchcore; Glo Fi; Googie
Art Style; Graffiti Art; Harlem Renaissance Art; High Fashion; Idyllic; Impressionism; Infographic Drawing; Ink
Dripping Drawing; Japanese Ink Drawing; Knolling Photography; Light Cheery Atmosphere; Logo Design; Luxurious
Elegance; Macro Photography; Mandola Art; Marker Drawing; Medievalism; Minimalism; Neo Baroque; Neo Byzantine; Neo
Futurism; Neo Impressionism; Neo Rococo; Neoclassicism; Op Art; Ornate And Intricate; Pencil Sketch Drawing; Pop Art
2; Rococo; Silhouette Art; Simple Vector Art; Sketchup; Steampunk 2; Surrealism; Suprematism; Terragen; Tranquil
Relaxing Atmosphere; Sticker Designs; Vibrant Rim Light; Volumetric Lighting; Watercolor 2; Whimsical And Playful; Mk
Chromolithography; Mk Cross Processing Print; Mk Dufaycolor Photograph; Mk Herbarium; Mk Punk Collage; Mk Mosaic; Mk
Van Gogh; Mk Coloring Book; Mk Singer Sargent; Mk Pollock; Mk Basquiat; Mk Andy Warhol; Mk Halftone Print; Mk Gond
Painting; Mk Albumen Print; Mk Aquatint Print; Mk Anthotype Print; Mk Inuit Carving; Mk Bromoil Print; Mk Calotype
Print; Mk Color Sketchnote; Mk Cibulak Porcelain; Mk Alcohol Ink Art; Mk One Line Art; Mk Blacklight Paint; Mk
Carnival Glass; Mk Cyanotype Print; Mk Cross Stitching; Mk Encaustic Paint; Mk Embroidery; Mk Gyotaku; Mk Luminogram;
Mk Lite Brite Art; Mk Mokume Gane; Pebble Art; Mk Palekh; Mk Suminagashi; Mk Scrimshaw; Mk Shibori; Mk Vitreous
Enamel; Mk Ukiyo E; Mk Vintage Airline Poster; Mk Vintage Travel Poster; Mk Bauhaus Style; Mk Afrofuturism; Mk
Atompunk; Mk Constructivism; Mk Chicano Art; Mk De Stijl; Mk Dayak Art; Mk Fayum Portrait; Mk Illuminated Manuscript;
Mk Kalighat Painting; Mk Madhubani Painting; Mk Pictorialism; Mk Pichwai Painting; Mk Patachitra Painting; Mk Samoan
Art Inspired; Mk Tlingit Art; Mk Adnate Style; Mk Ron English Style; Mk Shepard Fairey Style
"""

STOP_WORDS = """
a about above across after against all along amid an and are around as at back before behind below beneath beside
between beyond by down each every for from half in inside into is it its itself like near no not of off on one or out
over own so some than that the their them there these they this those through to toward towards two under until up
where which while with within without
"""


def own_words(text):
    """The words that a template brings itself and that say something."""
    return set(re.findall(r"[^\W_]+", text.replace(styles.PLACE, " ").lower())) - set(STOP_WORDS.split())


def overlap(one, other):
    """The share of the shorter text's words that the other one uses, too."""
    return len(one & other) / min(len(one), len(other))


def templates():
    return [style for style in styles.load().values() if style.name not in (styles.EXPANSION, styles.RANDOM)]


def save(folder, file, entries):
    (folder / "sdxl_styles").mkdir(exist_ok=True)
    (folder / "sdxl_styles" / file).write_text(json.dumps(entries), encoding="utf-8")


def test_all_279_names_are_there_in_fooocus_order():
    names = [" ".join(name.split()) for name in NAMES.split(";")]
    assert len(names) == 279
    assert list(styles.load()) == names


def test_no_name_and_no_template_is_written_twice():
    written = [style for path in sorted(styles.FOLDER.glob("*.json")) for style in styles.read(path)]
    assert len(written) == 277
    for part in ("name", "prompt", "negative_prompt"):
        assert [text for text, times in Counter(getattr(style, part) for style in written).items() if times > 1] == []


def test_every_template_holds_the_prompt_once_on_a_single_line():
    wrong = [style for style in templates() if style.prompt.count(styles.PLACE) != 1 or "\n" in style.prompt]
    assert wrong == []


def test_every_template_brings_at_least_eight_words_of_its_own():
    assert [style for style in templates() if len(own_words(style.prompt)) < 8] == []


def test_every_template_leaves_room_for_a_prompt_in_a_text_encoder():
    assert [style for style in templates() if len(re.findall(r"\w+|[^\w\s]", style.prompt)) > 50] == []


def test_no_template_holds_what_means_something_in_a_prompt():
    marks = re.compile(r"[()\[\]<>]|__")
    assert [style for style in templates() if marks.search(style.prompt + style.negative_prompt)] == []


def test_every_template_says_what_it_does_not_want():
    assert [style for style in templates() if not own_words(style.negative_prompt)] == []


def test_no_two_templates_share_more_than_half_of_their_words():
    words = [(style.name, own_words(style.prompt)) for style in templates()]
    pairs = itertools.combinations(words, 2)
    assert [(a, b) for (a, one), (b, other) in pairs if overlap(one, other) > 0.5] == []


def test_templates_do_not_all_begin_with_the_prompt():
    begin = Counter(style.prompt.split()[0] for style in templates())
    assert begin[styles.PLACE] + begin[f"{styles.PLACE},"] < 277 / 2


@pytest.mark.parametrize(
    ("written", "listed"),
    [
        ("sai-3d-model", "SAI 3D Model"),
        ("mre-sumi-e symbolic", "MRE Sumi E Symbolic"),
        ("flat 2d art", "Flat 2d Art"),
        ("misc-fairy tale", "Misc Fairy Tale"),
        ("FOOOCUS v2", "Fooocus V2"),
        ("line art (simple)", "Line Art (Simple)"),
        ("saint", "Saint"),
    ],
)
def test_names_are_spelt_as_fooocus_spells_them(written, listed):
    assert styles.normalise(written) == listed
    assert styles.normalise(listed) == listed


def test_a_style_is_found_however_its_name_is_spelt():
    assert styles.find("sai-anime", styles.load(), Random(0)).name == "SAI Anime"


def test_an_unknown_style_is_refused_with_the_nearest_names():
    with pytest.raises(InvalidValue, match=r"'Sai Anmie'.*SAI Anime") as refused:
        styles.find("Sai Anmie", styles.load(), Random(0))
    assert refused.value.field == "styles"


def test_a_users_styles_lead_the_list_and_take_the_place_of_ours(tmp_path):
    save(tmp_path, "mine.json", [{"name": "house-style", "prompt": "{prompt}, mine"}])
    save(tmp_path, "theirs.json", [{"name": "sai-anime", "prompt": "{prompt}, theirs", "negative_prompt": None}])
    known = styles.load(tmp_path)
    assert list(known)[2:5] == ["House Style", "SAI Anime", "Fooocus Enhance"]
    assert known["House Style"].negative_prompt == ""
    assert known["SAI Anime"].prompt == "{prompt}, theirs"
    assert len(known) == 280


def test_a_users_file_cannot_redefine_what_is_no_template(tmp_path):
    save(tmp_path, "mine.json", [{"name": "Fooocus V2", "prompt": "x"}, {"name": "Random Style", "prompt": "x"}])
    assert styles.load(tmp_path) == styles.load()


@pytest.mark.parametrize("text", ["{", "[1]", '[{"prompt": "x"}]', "7", "\xff"])
def test_a_users_file_that_holds_no_styles_is_refused_by_name(tmp_path, text):
    (tmp_path / "sdxl_styles").mkdir()
    (tmp_path / "sdxl_styles" / "broken.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(InvalidValue, match=r"broken\.json"):
        styles.load(tmp_path)


def test_a_folder_without_styles_changes_nothing(tmp_path):
    assert styles.load(tmp_path) == styles.load()


def test_random_style_draws_many_templates_and_nothing_else():
    known = styles.load()
    drawn = {styles.find(styles.RANDOM, known, Random(seed)).name for seed in range(60)}
    assert len(drawn) > 40
    assert not drawn & {styles.EXPANSION, styles.RANDOM}
