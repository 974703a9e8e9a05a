from clearline.cli.main import main

main()
